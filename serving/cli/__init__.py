"""The command line.

options           options, exit codes and output shared by commands
progress          progress bars
jsonl_input       events and items read from JSON Lines
tables/           answers and reports as tables for the terminal
recall_picture    recall over search time as a picture
demo_story        the demo: starts a server, plays a scripted shopper, puts load on it
commands/         one file per command, or per group of related commands
main              the command group; imports a command when it is called
__main__          ``python -m serving.cli``
"""
