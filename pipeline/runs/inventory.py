"""What lies in a work directory, and which of it a run needs."""

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError, forbidden
from pipeline.files import PARTIAL
from pipeline.kaggle.ledger import read_ledger
from pipeline.runs.graph import Run
from pipeline.runs.paths import ARTIFACTS, SubmissionsDir, WorkDir
from pipeline.runs.receipts import folder_size, read_receipt

OF_ARTIFACT = re.compile(r"(^|-)[0-9a-f]{8}$")  # how its name ends


@dataclass(frozen=True)
class Folder:
    """A folder of ours in a work directory.

    Attributes:
        path: where it is.
        name: below the work directory.
        receipt: None where it is half made.
    """

    path: Path
    name: str
    receipt: dict[str, Any] | None

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return folder_size(self.path)


def all_folders(work: WorkDir) -> Iterator[Folder]:
    """Every artifact, of whatever settings, and what is half made of others."""
    for pattern in ARTIFACTS:
        for path in sorted(work.root.glob(pattern)):
            receipt = read_receipt(path)
            ours = receipt is not None or path.name.endswith(PARTIAL)
            if ours and path.is_dir() and not path.is_symlink():
                yield Folder(path, str(path.relative_to(work.root)), receipt)


def without_receipt(work: WorkDir) -> Iterator[Path]:
    """What has the name of an artifact, or holds them, and is not what we made.

    Raises:
        PipelineError: a folder may not be looked into.
    """
    for pattern in ARTIFACTS:
        holder = work.root / pattern.partition("/")[0]
        if "/" in pattern and holder.exists():
            if not holder.is_dir():
                yield holder
                continue
            if not os.access(holder, os.R_OK | os.X_OK):
                raise PipelineError(forbidden(holder, os.strerror(errno.EACCES)))
        for path in sorted(work.root.glob(pattern)):
            if OF_ARTIFACT.search(path.name) and read_receipt(path) is None:
                yield path


def unused_folders(run: Run) -> list[Folder]:
    """What neither a run nor an uploaded submission needs.

    Kaggle's files are never among them, since they are the user's too.
    """
    needed = needed_names(run)
    raw, demo = f"{run.work.raw.name}/", f"{run.work.raw.name}/demo-"
    return [
        folder
        for folder in all_folders(run.work)
        if folder.name.removesuffix(PARTIAL) not in needed
        and (not folder.name.startswith(raw) or folder.name.startswith(demo))
    ]


def needed_names(run: Run) -> set[str]:
    """The artifacts of a run and of all uploaded submissions, by name."""
    wanted = {item.name for item in run.artifacts}
    for other in run.blended:
        if other.work == run.work:
            wanted |= {item.name for item in other.artifacts}
    wanted |= set(uploaded_submissions(run))
    needed: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in needed:
            needed.add(name)
            wanted |= set(input_names(run.work, name))
    return needed


def uploaded_submissions(run: Run) -> Iterator[str]:
    """The submissions in the work directory that Kaggle has given a reference."""
    for folder in all_folders(run.work):
        if folder.receipt is None or "csv" not in folder.receipt["result"]:
            continue
        result = folder.receipt["result"]
        ledgers = {SubmissionsDir(Path(result["folder"])), run.submissions}
        rows = [row for place in ledgers for row in read_ledger(place.ledger)]
        if any(row["reference"] and row["sha256"] == result["sha256"] for row in rows):
            yield folder.name


def input_names(work: WorkDir, name: str) -> Iterator[str]:
    """The artifacts in the same work directory that one was made from."""
    receipt = read_receipt(work.root / name)
    if receipt is not None:
        yield from receipt["inputs"]
        # what is named by its content alone is not an artifact
        yield from receipt["recipe"]["inputs"].values()
        for other in receipt["result"].get("averaged_with", ()):
            # of this work directory or not: a name that is not here does no harm
            yield f"predictions/{other.rpartition(':')[2]}"
