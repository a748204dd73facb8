"""Offers: coupons, promotions and services, who may have them, and who redeemed them.

offer          the records, and what makes an offer contradict itself
offer_json     an offer as plain JSON
offer_tables   the records as Arrow tables, in memory and in a folder of tables
clean_offers   drops what names unknown items, offers or visitors, and counts it
"""
