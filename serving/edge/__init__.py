"""The edge: the only room, with load, that speaks gRPC.

grpc_errors  errors to gRPC statuses, and back
admission    the admission limit
servicers    the servicers: parse, ask, answer
server       the gRPC server
client       the client
"""
