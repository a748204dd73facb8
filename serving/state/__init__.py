"""State that outlives a request: sessions in memory, and durable logs.

session_store  the current session of each visitor, in memory
event_log      the durable log of events and impressions
item_log       the durable log of live catalogue changes
state_lock     the lock that allows one server per state folder
"""
