"""Load on a running server.

traffic    what a load test asks
load_step  what one step of a load test came to
load_test  load at a fixed rate, or by callers that wait for their answers
freshness  how soon an answer knows of an event, under load
"""
