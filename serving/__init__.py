"""The service: everything between a bundle and a shopper. No TensorFlow in here.

Rooms in reading order; a room imports only rooms above it, a file only files above it in its room.

api/         what is asked and answered, its checks, and its messages
state/       sessions and durable logs
answering/   from a request, with the shop's rules, to a page of results
engine       answers requests, takes in events and items, swaps bundles
evaluation/  metrics of the very engine that is served
edge/        gRPC: server, servicers, errors, admission, client
load/        load on a running server, and what it makes of it
cli/         the command line
"""
