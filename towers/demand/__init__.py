"""Forecasts of demand: purchases an item and a category over the days or weeks to come.

series          counts, prices and promotions by period
smoothing       forecasts without training: naive, averages, exponential smoothing, Croston, TSB
error_measures  WAPE, MASE and bias
windows         what the network reads
forecast        the methods compared by rolling origin, and the forecast of the best
picture         some series with their forecasts as a picture
"""
