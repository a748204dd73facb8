"""The wire: what the service is asked and what it answers, package ``nextclick.v1``.

In reading order:

    catalog.proto       items, and how the catalogue changes while the service runs
    events.proto        what shoppers do
    discovery.proto     the search box and the browse pages
    admin.proto         publishing, rolling back, status
    generate.py         makes the ``*_pb2`` modules beside them; they are committed
"""
