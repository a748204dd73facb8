"""The commands of ``nextclick``; each is imported only when it is called.

In reading order:

    options.py      options and endings that they share
    progress.py     progress bars
    rows.py         events and items from JSON Lines
    prepare.py      prepare
    train.py        train
    evaluate.py     evaluate
    compare.py      compare
    embed.py        embed
    serve.py        serve
    ask.py          search, recommend
    record.py       record
    items.py        items update, items delete
    admin.py        publish, status
    loadtest.py     loadtest
    demo.py         demo
    doctor.py       doctor
"""
