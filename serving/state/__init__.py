"""What outlives a request: sessions and durable logs.

session_store  the newest session of each visitor
event_log      the durable log of events and impressions
item_log       the durable log of live catalogue changes
state_lock     one server to a state folder
"""
