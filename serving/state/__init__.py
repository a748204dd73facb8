"""State that outlives a request: sessions in memory, and durable logs.

session_store  the current session of each visitor, in memory: a click enters here
event_log      the durable log of events and impressions (rows: `data/sources/own_log`)
item_log       the durable log of live catalogue changes, the newest state of each item
offer_log      the durable log of live changes of offers
session_rows   sessions as JSON values
snapshot       what has been folded out of the event log up to one entry of it: a start goes on there
state_lock     the lock that allows one server per state folder
"""
