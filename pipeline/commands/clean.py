"""Removes what neither the saved settings nor an uploaded submission needs."""

import argparse
import logging
import sys

from pipeline.errors import PipelineError, remedy
from pipeline.output import all_visible, duration, human_size, is_terminal, say
from pipeline.runs.graph import Run
from pipeline.runs.inventory import Folder, unused_folders
from pipeline.runs.receipts import discard
from pipeline.runs.resolve import Resolved
from pipeline.tables import table

EXAMPLE = "./run.sh clean --work work/demo"
HEADER = ("unused", "size", "made", "took")
WORTH_A_LINE = 1_000_000_000  # bytes

log = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


def command(resolved: Resolved, options: argparse.Namespace) -> str:
    run = resolved.run
    if resolved.was_told or not run.work.settings.is_file():
        raise PipelineError(
            f"clean keeps what the settings saved in {run.work.settings} need, so it "
            "takes no others and cannot do without these."
        )
    return clean(run, options.yes)


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
    say(table(HEADER, all_visible([*map(describe, unused)]), HEADER[1:2]))
    total = human_size(sum(folder.size for folder in unused))
    if not (sure or says_yes(f"Remove these {len(unused)} folders, {total}? [y/N] ")):
        return f"Nothing was removed. {remedy('clean', run.work.root, '--yes')} does."
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
    if not is_terminal(sys.stdin):
        return False
    say(question, end="")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def tell_of_unused(run: Run) -> None:
    """One line where much lies in the work directory that this run does not need."""
    size = sum(folder.size for folder in unused_folders(run))
    if size >= WORTH_A_LINE:
        log.info(
            "%s of other settings lie in %s; %s lists them",
            human_size(size),
            run.work.root,
            remedy("clean", run.work.root),
        )
