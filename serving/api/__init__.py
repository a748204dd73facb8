"""What the engine is asked and answers, and its messages.

requests          what the engine is asked
answers           what it answers
reports           what it says of a batch that it took in, and of itself
page_tokens       where the next page starts
validation        what the interface accepts, field by field
filter_codec      filters, orders and facets as messages
result_codec      results as messages
completion_codec  completion as messages
proto_codec       messages to our own values, and back
"""
