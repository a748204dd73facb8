"""Networks of single predictions, in TensorFlow.

action_network     click, favourite, cart, purchase and return from one shared network
behaviour_network  predictions of what a visit does next: DNN, GRU, transformer
attribute_network  predictions of what the catalogue lacks: DNN, transformer
demand_network     a GRU that forecasts demand
"""
