"""Load on a running server.

traffic    what a load test asks
load_test  load at a fixed rate, and what the service makes of it
freshness  how soon an answer knows of an event, under load
"""
