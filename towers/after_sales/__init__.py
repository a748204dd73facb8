"""What follows a purchase, days later, as measured on the log.

purchase_visits    the visits on which visitors bought, as columns
next_purchases     what is bought on later visits, by item and by category
repurchase_gaps    after how many days people buy an item again
approval           how content buyers are with an item
after_sales        all of these, as a bundle holds them
"""
