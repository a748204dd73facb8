"""The commands of ``nextclick``; each is imported only when it is called.

Those that talk to a server, in reading order:

    options.py      options and endings that they share
    rows.py         events and items from JSON Lines
    serve.py        serve
    ask.py          search, recommend
    record.py       record
    items.py        items update, items delete
    admin.py        publish, status
    loadtest.py     loadtest
"""
