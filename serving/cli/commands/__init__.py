"""The commands of ``nextclick``; a module is imported when one of its commands is called.

prepare    prepare
train      train
evaluate   evaluate
offpolicy  offpolicy
check      check
compare    compare
demand     demand
attributes  attributes
embed      embed
index      index
serve      serve
snapshot   snapshot
ask        search, complete, recommend
record     record
items      items update, items delete
offers     offers recommend, offers update, offers delete
admin      publish, interleave, status
loadtest   loadtest
demo       demo
doctor     doctor
"""
