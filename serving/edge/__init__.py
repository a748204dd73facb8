"""The edge: the only room, with load, that speaks gRPC.

grpc_errors    errors to gRPC statuses, and back
slow_messages  the guard against calls whose message does not come
admission      the admission limit
servicers      the servicers: parse, ask, answer
server         the gRPC server
client         the client
"""
