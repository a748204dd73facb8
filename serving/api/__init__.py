"""What the engine is asked and answers, and its messages.

requests          requests and answers, free of gRPC
page_tokens       where the next page starts
validation        what the interface accepts, field by field
filter_codec      filters, orders and facets as messages
completion_codec  completion as messages
proto_codec       messages to our own values, and back
"""
