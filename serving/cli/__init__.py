"""The command line.

options        options and endings that commands share
progress       progress bars
rows           events and items from JSON Lines
answer_tables  answers, states and load as tables for people
report_tables  reports of the offline commands as tables for people
demo_story     a shopper's story, played against a server
commands/      one file for each command, or a few that belong together
main           names to commands
__main__       ``python -m serving.cli``
"""
