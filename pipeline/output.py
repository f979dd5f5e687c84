"""What is printed and logged, and amounts in words."""

import codecs
import logging
import os
import re
import sys
from collections.abc import Sequence
from functools import cache
from typing import IO, Any

LOG = logging.getLogger("pipeline")
# control characters, and those that turn the direction of what follows them
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
IN_ASCII = {"±": "+-", "…": "...", "→": "->"}


class OutputClosed(Exception):
    """Who read what is printed has gone, as `head -1` does."""


class BarFriendlyHandler(logging.Handler):
    """Log lines on standard error that leave a progress bar whole."""

    def emit(self, record: logging.LogRecord) -> None:
        if sys.stderr is None:  # closed before we began
            return
        from pipeline.bars import write_line  # who logs nothing need not wait for it

        try:
            write_line(self.format(record))
        except BrokenPipeError:
            raise OutputClosed from None


class OneLine(logging.Formatter):
    """Lines in which every word may be somebody else's: a file's, or a server's."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return visible(record.message)


def start_logging(quiet: bool = False) -> None:
    """Log lines go to standard error; warnings and errors alone where it is quiet."""
    handler = BarFriendlyHandler()
    handler.setFormatter(OneLine())
    LOG.handlers = [handler]
    LOG.setLevel(logging.WARNING if quiet else logging.INFO)
    for stream in (sys.stdout, sys.stderr):
        # what the encoding lacks is replaced; a captured stream may know no encoding
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=spelled_out.__name__)


@cache
def warn_once(line: str) -> None:
    """A file is read by several stages; what is odd about it is said by the first."""
    LOG.warning("%s", line)


def say(text: str, end: str = "\n") -> None:
    """Prints an answer; its line ends are our own."""
    tell(visible(text, lines=True), end)


def tell(text: str, end: str = "\n") -> None:
    """Prints what is known to be visible, or coloured by ourselves."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        raise OutputClosed from None


def stop_printing() -> None:
    """Throws away what is left to print, which would fail once more at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)


def visible(text: str, lines: bool = False) -> str:
    """A text whose control characters are spelled out, as `\\x1b`.

    Args:
        text: what is to be shown.
        lines: its line ends are our own, and stay.
    """

    def spelled(found: re.Match[str]) -> str:
        return "\n" if lines and found[0] == "\n" else escape(found[0])

    return UNSEEN.sub(spelled, text)


def all_visible(facts: Any) -> Any:
    """Facts with every text in them in one line, and visible."""
    if isinstance(facts, str):
        return visible(facts)
    if isinstance(facts, dict):
        return {all_visible(key): all_visible(value) for key, value in facts.items()}
    if isinstance(facts, list | tuple):
        return [all_visible(item) for item in facts]
    return facts


def visible_json(text: str) -> str:
    """JSON in which such characters are written as JSON spells them."""
    return UNSEEN.sub(
        lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text
    )


def escape(text: str) -> str:
    spelled = text.encode("unicode_escape").decode("ascii")
    return re.sub(r"\\udc([89a-f].)", r"\\x\1", spelled)  # bytes that are not UTF-8


def spelled_out(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that the encoding of an output lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(IN_ASCII.get(sign) or escape(sign) for sign in lacking), error.end


codecs.register_error(spelled_out.__name__, spelled_out)


def is_terminal(stream: IO[str] | None) -> bool:
    return stream is not None and stream.isatty()


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def counted(number: int, what: str) -> str:
    """ "1 network", "3 networks"; "1 galaxy", "3 galaxies"."""
    if number == 1:
        return f"{number} {what}"
    return f"{number} {what[:-1]}ies" if what.endswith("y") else f"{number} {what}s"


def some_of(names: Sequence[str], most: int = 3) -> str:
    """ "none", "a", "a and b"; of many the first few, and how many more."""
    shown, more = [*map(shortened, names[:most])], len(names) - most
    last = f"{more} more" if more > 0 else (shown or ["none"]).pop()
    return f"{', '.join(shown)} and {last}" if shown else last


def shortened(name: str, most: int = 120) -> str:
    """A name, or its beginning and its end."""
    half = most // 2
    return name if len(name) <= most else f"{name[:half]}...{name[-half:]}"


def human_size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
