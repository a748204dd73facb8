"""Administration over the API.

status_codec  the engine's status to and from protobuf messages
"""
