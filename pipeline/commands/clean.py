"""What no run needs any more, and its removal."""

import logging
import sys

from pipeline.commands.table import table
from pipeline.progress import duration, human_size
from pipeline.runs.graph import Run
from pipeline.runs.inventory import Folder, unused_folders
from pipeline.runs.receipts import discard

HEADER = ("unused", "size", "made", "took")
WORTH_A_LINE = 1_000_000_000  # bytes

log = logging.getLogger(__name__)


def clean(run: Run, sure: bool = False) -> str:
    """Removes what neither the present settings nor an uploaded submission needs.

    Args:
        run: of the present settings.
        sure: do not ask.

    Returns:
        What was removed, in a line.
    """
    unused = unused_folders(run)
    if not unused:
        return f"{run.work.root}: everything there is needed."
    print(table(HEADER, map(describe, unused), HEADER[1:2]))
    total = human_size(sum(folder.size for folder in unused))
    if not (sure or says_yes(f"Remove these {len(unused)} folders, {total}? [y/N] ")):
        return (
            f'Nothing was removed. "./run.sh clean --yes --work {run.work.root}" does.'
        )
    for folder in unused:
        discard(folder.path)
    return f"Removed {len(unused)} folders, {total}."


def describe(folder: Folder) -> tuple[str, ...]:
    if folder.receipt is None:
        return folder.name, human_size(folder.size), "half made", ""
    made = folder.receipt["made"]
    at = made["at"].replace("T", " ").replace("+00:00", " UTC")
    return folder.name, human_size(folder.size), at, duration(made["seconds"])


def says_yes(question: str) -> bool:
    """Asks at a terminal; elsewhere the answer is no."""
    if not sys.stdin.isatty():
        return False
    print(question, end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def tell_of_unused(run: Run) -> None:
    """One line where much lies in the work directory that this run does not need."""
    size = sum(folder.size for folder in unused_folders(run))
    if size >= WORTH_A_LINE:
        log.info(
            '%s of other settings lie in %s; "./run.sh clean --work %s" lists them',
            human_size(size),
            run.work.root,
            run.work.root,
        )
