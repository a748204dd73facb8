"""The gRPC edge: server and client. Apart from ``load``, no other room uses gRPC.

grpc_errors    errors to gRPC statuses, and back
slow_messages  cancels calls whose request message does not arrive in time (not the deadline)
admission      admission control: concurrency limits, separate for answers, events and changes
servicers      the gRPC services: parse the message, check the deadline, call the engine, respond
server         the gRPC server: settings, health, graceful shutdown
client         the Python client, with retries
"""
