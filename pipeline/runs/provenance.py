"""What a receipt says of a making: when, by which code and command, on what machine."""

import datetime
import functools
import subprocess
import sys
from typing import Any

from pipeline.errors import typed
from pipeline.machine import num_cores, processor
from pipeline.runs.paths import PROJECT
from pipeline.settings.backend import kept_variables


def made_now(seconds: float) -> dict[str, Any]:
    """What is to be noted of a making that ends now and took so many seconds.

    No artifact's name or content depends on it.
    """
    return {
        "at": now(),
        "seconds": round(seconds, 1),
        "threads": num_cores(),
        "processor": processor(),
        "commit": git_commit(),
        "command": typed("./run.sh", *sys.argv[1:]),
        "variables": kept_variables(),
    }


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


@functools.cache
def git_commit() -> str:
    """The project's commit, marked where files differ from it; empty without git."""
    command = ["git", "-C", str(PROJECT), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
