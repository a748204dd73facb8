"""Offers over the API: checks of requests, live changes, answers.

offer_validation  limits and checks of every field
offer_desk        answers requests for offers, and takes in their live changes
"""
