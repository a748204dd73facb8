"""The service: loads a bundle and answers search and recommendation requests.

A running server imports no TensorFlow; the commands that train, embed and compare do.

Rooms in reading order; a room imports only rooms above it, a file only files above it in its room.

api/            request and response types, their validation, and their protobuf codecs
state/          sessions and durable logs
paging/         the match set, the order of all results, and the order kept between pages
policy/         diversity, caps and exploration: what is done to a list after the shop's rules
placements/     what each page of the shop shows, and why
answering/      from a request, through ranking and query rules, to a page of results
offers/         requests for offers and their live changes
pictures/       search by picture
kept_counts     the counts of a bundle in a snapshot of the log
bundles_in_use  the active bundle and the one compared with it: swaps, live changes, counts
log_fold        what events change: sessions, counts of searches, the bundle's counts; its snapshots
interleaving/   two bundles compared on live traffic by team-draft interleaving
engine          answers requests (and mints their attribution tokens), ingests events and items,
                swaps bundles
voice/          search by voice: speech to text, then a search
evaluation/     offline metrics, measured through the same engine that serves
off_policy/     what another bundle or policy would be worth, from logged propensities
edge/           gRPC: server, servicers, error statuses, admission control, client
load/           load tests of a running server
cli/            the command line
"""
