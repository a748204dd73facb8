"""A visitor at one moment: a fold over that visitor's events.

feedback         what one event says of its item: for it, against it, or neither
session          the fold
dwell            how long a visitor looked at each item
session_summary  a session as item rows and weights
query_input      what the query tower reads of a session
session_log      past sessions as item rows
replay           the log replayed, event by event
"""
