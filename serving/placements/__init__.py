"""Placements: what each page of the shop shows, and why.

sentences       what placements say to the shopper, in English and Chinese
page_plan       what a placement shows: the ranker's request, and what its results say of themselves
browse_pages    home, category, item and cart
cross_sell      what goes with the cart
promotion       what is on offer to the visitor
after_sales     what follows a purchase, a bad review or a return
placement_list  the list of all placements: add one here
"""
