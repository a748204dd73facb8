"""Sessions: a fold over a visitor's events, and its views for models, features and training.

feedback         positive or negative feedback of an event
session          the session state, updated event by event (a fold)
dwell            dwell time of views
session_summary  a session as item rows and weights
segments         segments of visitors, by rule
query_input      the input of the query tower
session_log      past sessions as item rows
targets          the items that follow each event in its session
replay           replay of the log, event by event
"""
