"""Progress bars and log lines, which leave each other whole, and amounts in words."""

import logging
import sys
from typing import Any

from tqdm import tqdm

LOG = logging.getLogger("pipeline")


def progress(total: int, what: str, unit: str, **options: Any) -> tqdm:
    """A bar with rate and time left; none where that is not a terminal, or it is quiet.

    Args:
        total: how many units there are.
        what: the bar's title.
        unit: what it counts.
        options: passed on to tqdm.
    """
    return tqdm(
        total=total,
        desc=what,
        unit=unit if unit == "B" else f" {unit}",
        disable=not (sys.stderr.isatty() and LOG.isEnabledFor(logging.INFO)),
        delay=0.5,  # whatever is over sooner needs no bar
        dynamic_ncols=True,
        leave=False,
        **options,
    )


class BarFriendlyHandler(logging.Handler):
    """Log lines on standard error that leave a progress bar whole."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


def start_logging(quiet: bool = False) -> None:
    """Log lines go to standard error; warnings and errors alone where it is quiet."""
    handler = BarFriendlyHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOG.handlers = [handler]
    LOG.setLevel(logging.WARNING if quiet else logging.INFO)


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


def human_size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
