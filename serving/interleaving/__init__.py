"""Two bundles compared on live traffic by team-draft interleaving.

team_draft    one list out of two, and which of them contributed each item
drafted_page  the first page of an answer, drafted from the answers of two bundles
sign_test     sign test, and interval of a share
tally         which bundle's results visitors click, put into the cart and buy: a fold over the log
experiment    what is compared, for which share of the visitors; kept in the state folder
interleaving  starts and ends experiments, and answers the visitors in them
"""
