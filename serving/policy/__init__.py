"""The shop's policy: what is done to a ranked list after the shop's rules, in a fixed order.

rule_table   a table of the rules file, whose errors name file, table and key
settings     the policy of a surface and a segment, read from the rules file
diversity    maximal marginal relevance over item embeddings
caps         at most so many items of one brand, category or product on a page
exploration  a new item in one slot of a share of the answers, with its propensity
steps        the steps in their order, and what each did
"""
