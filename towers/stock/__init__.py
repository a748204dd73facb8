"""Stock against the demand to come.

stock_cover  for how many days the stock of items lasts by a forecast of demand
"""
