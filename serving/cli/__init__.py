"""The command line.

options           options, exit codes and output shared by commands
progress          progress bars
jsonl_input       events and items read from JSON Lines
answer_tables     answers, server status and load test results as tables
recall_picture    recall over search time as a picture
policy_tables     what a policy costs and gains, and metrics by segment, as tables
offer_tables      offers and their evaluation as tables
system_tables     the metrics of every system as tables
report_tables     preparation, training and evaluation reports as tables
behaviour_tables  behaviour models and predicted actions as tables
demand_tables     the comparison of demand forecasts as tables
attribute_tables  predicted values and the models they are from, as tables
demo_story        the demo: starts a server, plays a scripted shopper, puts load on it
commands/         one file per command, or per group of related commands
main              the command group; imports a command when it is called
__main__          ``python -m serving.cli``
"""
