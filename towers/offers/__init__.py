"""Offers for a visitor: which hold, how likely they are redeemed, and what they change.

placed_offer     an offer's items as rows of the catalogue
placed_offers    some offers with their fields as columns
offer_uses       a fold over redemptions: counts, cost, and what visitors redeemed
offer_book       all offers of a shop, their audiences and their uses
eligibility      which offers a visitor may have now, and why not the others
visitor_state    a visitor's purchases, session and taste at one moment
item_loops       sums over the items of each offer, and the best offer of each item
offer_features   the features of a visitor and an offer
boosted_trees    boosted trees as arrays, evaluated in compiled loops
offer_model      the probability of redemption, and the uplift over no offer
reductions       items whose price is below an earlier one
item_offers      the items on offer for a visitor, and the best offer of each
offer_ranking    the eligible offers that a visitor may want, ranked, each with its reason
"""
