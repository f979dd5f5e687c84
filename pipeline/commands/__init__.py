"""The commands beside the stages: each looks at a run, or makes something of it.

The command line finds in each module: the first line of its docstring, which is its
help; `EXAMPLE`; `add_options(parser)`, where it has options of its own; and either

- `gather(resolved, options)`, facts that JSON can hold, and `describe(facts)`, their
  text; with `refuse(facts)` where some facts end the command with an error; or
- `command(resolved, options)`, which acts and returns the text to print.
"""
