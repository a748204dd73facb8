"""Probabilities of what a shopper does with an item that an answer shows.

shopper_actions  click, favourite, cart, purchase, return: what each is in a log
action_model     the network's file, calibrated: features to probabilities
"""
