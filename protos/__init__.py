"""The gRPC interface of the service: services and messages, package ``nextclick.v1``.

In reading order:

    offers.proto        coupons, promotions and services
    catalog.proto       items, and live changes of the catalogue
    events.proto        recording of shoppers' events
    discovery.proto     search, recommendations and completion
    admin.proto         publishing, rolling back, status
    generate.py         generates the ``*_pb2`` modules beside them, which are committed
"""
