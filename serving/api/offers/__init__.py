"""Offers over the API: request and response types, and their protobuf codec.

offer_requests  request and response types
offer_codec     offers to and from protobuf messages
"""
