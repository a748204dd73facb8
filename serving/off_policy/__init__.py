"""What another bundle or policy would be worth, from answers that were partly up to chance.

logged_slots  slots of logged answers whose item was up to chance, with what followed
estimators    IPS, SNIPS and doubly robust estimates of a value, with intervals
replay        what another bundle and policy put in those slots
report        the estimates of a bundle and policy from a state folder
"""
