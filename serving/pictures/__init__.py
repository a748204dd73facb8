"""Search by picture.

picture_requests  the request and its validation
picture_codec     its protobuf codec
picture_search    answers it: the nearest pictures of items, with words too where there are any
"""
