"""The one exception that is shown without a traceback."""


class PipelineError(Exception):
    """Something the reader can fix: what was expected, what was found, what to do."""
