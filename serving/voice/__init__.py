"""Search by voice: requests, their messages, and speech to text before an ordinary search.

voice_requests  request and response types
voice_codec     their protobuf messages
voice_search    hears a recording, and searches for what was asked for
"""
