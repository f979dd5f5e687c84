"""What is shown in one line, without a traceback."""


class PipelineError(Exception):
    """Something the reader can fix: what was expected, what was found, what to do."""


class Misuse(PipelineError):
    """A command that was mistyped, or cannot mean anything."""
