"""The memory that a command takes, with all its processes; measured by hand.

`python -m tests.memory ./run.sh train --work DIR`, on Linux. What counts is anonymous
memory (RssAnon in /proc): pages of files that are mapped can be dropped at any time.
"""

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from pipeline.output import duration, human_size, say
from pipeline.tables import table

INTERVAL = 0.5  # seconds; more often it takes a tenth of a core
PROC = Path("/proc")


class Usage(NamedTuple):
    """Bytes of memory of one or several processes."""

    anonymous: int = 0
    of_files: int = 0


class Peak(NamedTuple):
    """When the anonymous memory was at its highest, and whose it was.

    Attributes:
        seconds: since the command started.
        processes: usage by process number.
    """

    seconds: float
    processes: dict[int, Usage]

    @property
    def total(self) -> Usage:
        return Usage(*map(sum, zip(Usage(), *self.processes.values(), strict=True)))


def main() -> None:
    made = argparse.ArgumentParser(prog="python -m tests.memory")
    made.add_argument(
        "--seconds", type=float, help="then interrupt it, as Ctrl-C does; else wait"
    )
    made.add_argument("command", nargs=argparse.REMAINDER, help="what to run")
    options = made.parse_args()
    code, peak = watch(options.command, options.seconds)
    say(describe(peak))
    sys.exit(code if code >= 0 else 128 - code)  # as a shell tells of a signal


def watch(command: list[str], seconds: float | None = None) -> tuple[int, Peak]:
    """Runs a command to its end, or interrupts it after so many seconds.

    Returns:
        Its exit code, and its peak.
    """
    process, started = subprocess.Popen(command), time.monotonic()
    highest = Peak(0.0, {})
    interrupted = False
    while process.poll() is None:
        now = Peak(time.monotonic() - started, usage_below(process.pid))
        highest = max(highest, now, key=lambda peak: peak.total.anonymous)
        if seconds is not None and now.seconds > seconds and not interrupted:
            process.send_signal(signal.SIGINT)
            interrupted = True
        time.sleep(INTERVAL)
    return process.returncode, highest


def usage_below(root: int) -> dict[int, Usage]:
    """Usage of a process and of all that it started, and these, by their numbers."""
    status = {int(place.name): read_status(place) for place in PROC.glob("[0-9]*")}
    parents = {number: found.get("PPid") for number, found in status.items()}

    def belongs(number: int | None) -> bool:
        return number == root or (number in parents and belongs(parents[number]))

    return {number: usage_of(status[number]) for number in status if belongs(number)}


def read_status(place: Path) -> dict[str, int]:
    """The numbers that /proc tells of a process; none where it has ended."""
    try:
        lines = (place / "status").read_text().splitlines()
    except OSError:
        return {}
    words = [line.split() for line in lines]
    return {
        key.rstrip(":"): int(number)
        for key, number, *_ in (found for found in words if len(found) > 1)
        if number.isdigit()
    }


def usage_of(status: dict[str, int]) -> Usage:
    anonymous, file, shared = (
        1024 * status.get(key, 0) for key in ("RssAnon", "RssFile", "RssShmem")
    )
    return Usage(anonymous, file + shared)


def describe(peak: Peak) -> str:
    """A row for each process, and one for all."""
    rows = [
        ("all", *peak.total),
        *((str(pid), *own) for pid, own in peak.processes.items()),
    ]
    sizes = [(name, *map(human_size, usage)) for name, *usage in rows]
    header = ("process", "anonymous", "of files")
    return f"peak after {duration(peak.seconds)}\n{table(header, sizes, header[1:])}"


if __name__ == "__main__":
    main()
