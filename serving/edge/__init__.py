"""The gRPC edge: server and client. Apart from ``load``, no other room uses gRPC.

grpc_errors    errors to gRPC statuses, and back
admission      admission control: concurrency limits, separate for answers, events and changes
unary_calls    takes calls from gRPC's queue and answers them; the only user of gRPC's private layer
slow_messages  cancels health checks whose request message does not arrive in time
health_checks  the health service: Check, List and Watch
side_calls     health checks and reflection, apart from our own services
interpreter    how the process is set: garbage collection, thread switches, timers
servicers      the gRPC services: parse the message, call the engine, respond
server         the gRPC server: settings, health, graceful shutdown
client         the Python client, with retries
"""
