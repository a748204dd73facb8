"""From clean tables to a released bundle, and what serving needs of it. Reading order; a file
imports only files above it.

What serving needs, without TensorFlow:

config              the one tree of settings of a model
units               numbers and units written one way
chinese             Chinese runs cut into words
text                words and token numbers of any text
sentiment           what the words of a review say of its item
opinion             what one event says of its item: for it, against it, or neither
session             a visitor at one moment: a fold over that visitor's events
dwell               how long a visitor looked at each item
query_input         what the query tower reads of a session
codes               names as small numbers
attributes          what is known of items by name, as sparse columns
catalog             the items as columns, and filters over them
sparse_scores       scores of a few rows among millions
popularity          how much each item is wanted now: a fold over everybody's events
searches            what visitors searched for, as far as others may see it
covisits            items that turn up in the same sessions
rebuy               which things people buy again
neighbours          what past sessions like this one went on to hold
spelling            known words, and what other words were meant to be
live_words          words that came in with live changes
wording             what the words of a query were meant to be
item_numbers        the numbers by which an item can be asked for
kept_answers        answers kept to be given again, in a limited room
stem_counts         how many items have a stem now
working_copy        a folder of an index's own
lexical             items by their words
beginnings          texts by the beginnings of their words
index               the nearest items of an embedding
question            one request as the models see it
candidates          the sources side by side
shop_names          names of categories and brands, and how much each is wanted
relaxation          what of a query was given up until something was found
completion          what somebody who types may be after
fusion              one order out of several lists by a fixed rule
scene               one question with its candidates, and what several features share
features            the one list of features that the reranker reads
runtime             the exported models, run by LiteRT
ranker              from a question to a ranked shortlist
calibration         the probability that a result is bought
classical           classical models on the same features
baselines           what the ranker must beat
manifest            the signed list of a bundle's files
bundle              the released folder, loaded whole or refused
golden              answers that a load must repeat

What training needs besides:

text_encoder        first vectors of words, from a large language model's table
translations        the catalogue's words for words of the other language
reliability         how far stated probabilities can be taken at their word
queries             searches made from the catalogue
likeness            which items are of one kind
made_visits         visits made from the catalogue
replay              the log once more, event by event
examples            what the two towers learn from
shop                a shop's tables in memory, and its examples
legacy_keras        TensorFlow with the Keras that the models need
lazy_adam           Adam for large tables of which a step touches few rows
fitting             epochs, early stopping, loss curves
curves              the loss curves as a picture
session_encoders    from the states of events to one of the session: transformer, GRU, pooled
full_softmax        the softmax over a whole catalogue, slice by slice
sampled_softmax     the softmax over sampled items
retrieval           the query tower and the candidate tower
retrieval_training  the towers, trained and measured
rerank              the deep & cross reranker and its training
rerank_lists        what the reranker learns from
purchases           what the purchase probability learns from
export              trained models as LiteRT files
embed               items in batch; a new bundle of a changed catalogue
exported            the models as serving runs them, and how alike they then rank
train               from clean tables to a released bundle
compare             the session encoders side by side
"""
