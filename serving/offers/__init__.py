"""Offers over the API: requests, their checks and messages, live changes, answers.

offer_requests    request and response types
offer_validation  limits and checks of every field
offer_codec       protobuf messages of offers
offer_desk        answers requests for offers, and takes in their live changes
"""
