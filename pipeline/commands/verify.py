"""Checks every byte of everything in a work directory against its receipts."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.bars import progress
from pipeline.errors import PipelineError, remedy, typed
from pipeline.files import file_digest
from pipeline.output import human_size, say, visible
from pipeline.runs.graph import Run
from pipeline.runs.inventory import Folder, all_folders, without_receipt
from pipeline.runs.origin import InPlace
from pipeline.runs.paths import SubmissionsDir, receipt_file
from pipeline.runs.receipts import wrong_files
from pipeline.runs.resolve import Resolved
from pipeline.sources.integrity import zip_trouble

EXAMPLE = "./run.sh verify --work work/demo"


class Trouble(NamedTuple):
    """A file that is not as it was, in a line, and the folder of ours it is in."""

    line: str
    folder: Path | None = None


def command(resolved: Resolved, options: argparse.Namespace) -> str:
    return verify(resolved.run)


def verify(run: Run) -> str:
    """Reads all artifacts of all runs, the submissions and the competition's files.

    Raises:
        PipelineError: something is not what its receipt says.
    """
    folders = [folder for folder in all_folders(run.work) if folder.receipt]
    sizes = [folder.size for folder in folders]
    troubles = [*trouble_with_source(run), *trouble_with_receipts(run)]
    with progress(sum(sizes), "verify", "B", unit_scale=True) as bar:
        for folder, size in zip(folders, sizes, strict=True):
            troubles += trouble_with(folder)
            troubles += trouble_with_submission(run, folder)
            bar.update(size)
    if troubles:
        say("\n".join(visible(trouble.line) for trouble in troubles))
        raise PipelineError(f"{repair(troubles)}{remedy('all', run.work.root)}")
    total = human_size(sum(sizes))
    return (
        f"{run.work.root}: {len(folders)} artifacts, {total}, every byte as it was made"
    )


def repair(troubles: Sequence[Trouble]) -> str:
    """What is wrong in a word, and what must be removed before it is made anew."""
    count = len(troubles)
    text = f"{count} file{'s are' if count > 1 else ' is'} not as made. To repair: "
    damaged = {str(trouble.folder) for trouble in troubles if trouble.folder}
    return text + (f'"{typed("rm", "-r", *sorted(damaged))}", then ' if damaged else "")


def trouble_with(folder: Folder) -> Iterator[Trouble]:
    """A line for each file that is not as its receipt says."""
    receipt = folder.receipt
    for name in wrong_files(folder.path, receipt["files"], every_byte=True):
        what = "is not as it was made" if (folder.path / name).exists() else "is gone"
        yield Trouble(f"{folder.name}/{name} {what}", folder.path)


def trouble_with_receipts(run: Run) -> Iterator[Trouble]:
    """A line for each artifact, of any run, whose receipt is not what we wrote.

    What this run needs is made anew; what else there is may be the user's own.
    """
    own = [item.folder for item in run.artifacts]
    for path in without_receipt(run.work):
        name = path.relative_to(run.work.root)
        if not path.is_dir():
            yield Trouble(f"{name} is not a folder of ours: move it away")
        elif path in own:
            yield Trouble(f"{name} has no receipt of ours")
        else:
            yield Trouble(f"{name} has no receipt of ours: move it away")
    if isinstance(run.raw, InPlace):
        receipt = receipt_file(run.raw.folder)
        if receipt.exists() and run.raw.receipt is None:
            yield Trouble(f"{run.raw.name} has no receipt of ours")


def trouble_with_submission(run: Run, folder: Folder) -> Iterator[Trouble]:
    """The same of a submission's CSV; those of other runs may be gone."""
    result = folder.receipt["result"]
    if "csv" not in result:
        return
    path = SubmissionsDir(Path(result["folder"])).root / result["csv"]
    if not path.is_file():
        if folder.path == run.submission.folder:
            yield Trouble(f"{path} is gone")
    elif file_digest(path) != result["sha256"]:
        yield Trouble(f"{path} was changed since its export")


def trouble_with_source(run: Run) -> Iterator[Trouble]:
    """The same of the competition's files; of what is not at hand, nothing."""
    if not isinstance(run.raw, InPlace):
        return
    noted = run.raw.noted
    for role, found in run.raw.look({}).items():
        if role in noted and noted[role].content != found.content:
            yield Trouble(f"{found.path} has changed since its download")
        elif found.path.suffix == ".zip" and (trouble := zip_trouble(found.path)):
            yield Trouble(f"{found.path} {trouble}: fetch it again")
