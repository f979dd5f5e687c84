"""What is shown in one line, without a traceback, and the command that helps."""

import shlex
from pathlib import Path


class PipelineError(Exception):
    """Something the reader can fix: what was expected, what was found, what to do."""


class Misuse(PipelineError):
    """A command that was mistyped, or cannot mean anything."""


def remedy(command: str, work: Path | str, *words: str) -> str:
    """A command as it can be typed, in quotation marks."""
    return f'"{shlex.join(["./run.sh", command, *words, "--work", str(work)])}"'
