"""Training and evaluation of the models of offers.

tree_training        boosted trees by scikit-learn, as arrays
offer_replay         a log replayed to the features of visitors and offers at given moments
redemption_moments   the moments at which redemptions are learnt and asked
redemption_training  the probability of redemption
uplift_trials        visitors who had an offer and visitors who had not, and what they bought
uplift_training      uplift over no offer by a doubly robust learner
offer_metrics        AUC, hit rate, and Qini curves of weighted trials
offer_training       from tables to the model of offers in a bundle
offer_evaluation     a bundle's model of offers on the test part, against baselines
"""
