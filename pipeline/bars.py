"""Progress bars, and lines written beside them."""

import logging
import os
import sys
import threading
import time
from typing import Any

from pipeline.output import LOG, is_terminal

for name in [name for name in os.environ if name.startswith("TQDM_")]:
    del os.environ[name]  # what a bar is like is ours; tqdm stops at a wrong one

from tqdm import tqdm  # noqa: E402


def progress(total: int, what: str, unit: str, **options: Any) -> tqdm:
    """A bar with rate and time left; none where that is not a terminal, or it is quiet.

    Args:
        total: how many units there are.
        what: the bar's title.
        unit: what it counts.
        options: passed on to tqdm.
    """
    return Bar(
        total=total,
        desc=what,
        unit=unit if unit == "B" else f" {unit}",
        disable=not (is_terminal(sys.stderr) and LOG.isEnabledFor(logging.INFO)),
        delay=0.5,  # whatever is over sooner needs no bar
        dynamic_ncols=True,
        leave=False,
        **options,
    )


class Bar(tqdm):
    """A bar that tells the time left of the whole run too, where that is known."""

    run_ends: float | None = None  # as `time.monotonic` counts

    @property
    def format_dict(self) -> dict[str, Any]:
        facts = super().format_dict
        if self.run_ends is not None:
            left = max(0.0, self.run_ends - time.monotonic())
            facts["postfix"] = f"run {self.format_interval(left)} left"
        return facts


def show_time_left(seconds: float | None) -> None:
    """From now on bars tell when the run is over, in so many seconds, or do not."""
    Bar.run_ends = None if seconds is None else time.monotonic() + seconds


def lock_within_process() -> None:
    """For a worker: the lock that processes share would outlive one that is ended."""
    tqdm.set_lock(threading.RLock())


def write_line(line: str) -> None:
    """Writes on standard error, and leaves a bar whole."""
    tqdm.write(line, file=sys.stderr)
