"""The service: loads a bundle and answers search and recommendation requests. No TensorFlow.

Rooms in reading order; a room imports only rooms above it, a file only files above it in its room.

api/         request and response types, their validation, and their protobuf codecs
state/       sessions and durable logs
answering/   from a request, through ranking and query rules, to a page of results
engine       answers requests, ingests events and items, swaps bundles
evaluation/  offline metrics, measured through the same engine that serves
edge/        gRPC: server, servicers, error statuses, admission control, client
load/        load tests of a running server
cli/         the command line
"""
