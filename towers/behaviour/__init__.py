"""What a visit does next, predicted by classical models and by networks side by side.

folds               how often a key occurred before an event, and when last
visit_log           a shop's log as columns
visit_features      features of a visit up to an event
tasks               will it buy, which type of event comes next, which item
candidate_lists     candidates for the next item, and their features
prediction_metrics  metrics of classes and of ranked candidates
comparison          every model on every task
picture             the comparison as a picture
"""
