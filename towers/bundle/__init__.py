"""The released folder, loaded whole or refused.

layout       where things are inside a bundle folder
manifest     the signed list of a bundle's files
model_facts  what serving must know of the models besides their files
bundle       a loaded bundle
golden       answers that a load must repeat
"""
