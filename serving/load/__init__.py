"""Load tests of a running server.

process_usage      CPU time and memory of a local server
calls              a call, and the interface of whatever makes calls
traffic            randomly sampled calls
recorded_traffic   the calls of a file, or of a server's own log
shopper_sessions   made-up shoppers, whose next call follows from the answer to the last
load_step          counts and latencies of one step of a load test
load_test          open loop (fixed rate) and closed loop (fixed number of callers)
client_processes   the same from several client processes
latency_chart      latency over rate as a picture
freshness          time from an event's ack to an answer that reflects it, under load
"""
