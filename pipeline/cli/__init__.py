"""The command line: what is typed made a command, run, and told about."""
