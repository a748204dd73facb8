"""Training of the probabilities of several actions, from answers that were shown or are replayed.

exposures            answers with their features, and what shoppers did with each item
answers_in_log       logged answers joined to the events that name them, and replayed ones
reliability_picture  what was predicted beside what happened, as a picture
action_training      the network, its calibration on other visitors, and its rivals
"""
