"""Answers and reports as tables for the terminal.

answer_tables     answers, server status and load test results as tables
interleaving_tables  how two bundles compare on live traffic, as tables
policy_tables     what a policy costs and gains, and metrics by segment, as tables
offer_tables      offers and their evaluation as tables
system_tables     the metrics of every system as tables
report_tables     preparation, training and evaluation reports as tables
behaviour_tables  behaviour models and predicted actions as tables
demand_tables     the comparison of demand forecasts as tables
attribute_tables  predicted values and the models they are from, as tables
"""
