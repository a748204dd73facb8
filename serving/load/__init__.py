"""Load tests of a running server.

process_usage  CPU time and memory of a local server
traffic    the random requests of a load test
load_step  counts and latencies of one step of a load test
load_test  open loop (fixed rate) and closed loop (fixed number of callers)
freshness  time from an event's ack to an answer that reflects it, under load
"""
