"""Request and response types of the engine, their validation, and their protobuf codecs.

requests          request types
offers/           offers: request and response types, and their codec
answers           response types
random_ids        ids that nobody can guess
item_cards        what answers say of items, kept
result_columns    the results of a page as columns
reports           what the engine reports of an ingested batch, and its status
page_tokens       opaque tokens that say where the next page starts
validation        limits and checks of every field of requests, events and items
filter_codec      filters, sort orders and facets to and from protobuf messages
result_codec      results to and from protobuf messages
result_bytes      result columns to the bytes of their messages
understood_codec  understood parts of queries to and from protobuf messages
completion_codec  completion requests and suggestions to and from protobuf messages
proto_codec       all other requests, answers, events and items, likewise
admin/            the engine's status, likewise
"""
