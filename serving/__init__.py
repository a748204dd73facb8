"""The service: everything between a bundle and a shopper. No TensorFlow in here.

In reading order; a file imports only files above it:

    requests.py         what the engine is asked and what it answers
    questions.py        requests and sessions to the ranker's questions
    session_store.py    the newest session of each visitor
    event_log.py        the durable log of events and impressions
    item_log.py         the durable log of live catalogue changes
    state_lock.py       one server to a state folder
    live_catalog.py     items that came, changed or went since the bundle was made
    served.py           a bundle that answers, brought up to what has happened since
    matches.py          all items that a request matches, and orders other than relevance
    facets.py           how often each brand, category, price or other fact is among them
    validation.py       what the interface accepts, field by field
    pages.py            one page of an answer, and what moved each result
    rules.py            query rules: synonyms, redirects, pins, boosts, burials, hidings
    rule_file.py        the rules file, read again when it has changed
    shaping.py          what rules do to an answer
    answering.py        from a question, with the rules, to a page of results
    engine.py           answers requests, takes in events and items, swaps bundles
    relive.py           the log lived through once more, features computed anew
    measures.py         ranking metrics and their intervals
    trec.py             queries, judgments and runs in the formats of TREC
    turns.py            how much of the next page is of a new category
    timings.py          what each part of an answer costs, and what the index finds
    filter_check.py     random filters, and every item held against them one by one
    asked.py            the same requests put to several systems
    query_evaluation.py  searches with known answers, as typed and misspelt
    evaluation.py       metrics of the very engine that is served
    offline.py          queries and sessions of a file put to an engine
    page_tokens.py      where the next page starts
    filter_wire.py      filters, orders and facets of the wire
    completion_wire.py  completion on the wire
    wire.py             messages to our own values, and back
    statuses.py         errors to gRPC statuses, and back
    limiter.py          the admission limit
    service.py          the servicers: parse, ask, answer
    server.py           the gRPC server
    client.py           the client
    traffic.py          what a load test asks
    loadtest.py         load at a fixed rate, and what the service makes of it
    freshness.py        how soon an answer knows of an event, under load
    display.py          answers, states and load as tables for people
    reports.py          reports of the offline commands as tables for people
    demo.py             a shopper's story, played against a server
    commands/           one file for each command, or a few that belong together
    cli.py              the command line: names to commands
"""
