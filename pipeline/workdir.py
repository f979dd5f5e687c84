"""The name of every artifact, and writing that is whole or not there."""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import PipelineError

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")
PROJECT = Path(__file__).resolve().parent.parent
PARTIAL = ".partial"


@dataclass(frozen=True)
class WorkDir:
    """The folder that holds a run; every path in it has its name here."""

    root: Path

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    def shards(self, split: Split) -> Path:
        return self.root / "shards" / split

    def member(self, seed: int, fold: int | None = None, partner: str = "") -> Path:
        parts = [partner] if partner else []
        parts += [] if fold is None else [f"fold{fold}"]
        return self.root / "models" / "-".join([*parts, f"seed{seed}"])

    @property
    def predictions(self) -> Path:
        return self.root / "predictions"

    @property
    def submission(self) -> Path:
        return self.root / "submission"

    @property
    def validation(self) -> Path:
        return self.root / "validation"

    @property
    def report(self) -> Path:
        return self.root / "report"

    @property
    def page(self) -> Path:
        return self.root / "report.html"

    @property
    def classification(self) -> Path:
        return self.root / "classify"

    @property
    def pace(self) -> Path:
        return self.root / "pace"

    @property
    def scored(self) -> Path:
        return self.root / "scored"

    def run(self, name: str) -> "WorkDir":
        """One of the runs that a benchmark compares, by its name there."""
        return WorkDir(self.root / re.sub(r"[^\w.+=-]+", "_", name))

    def benchmark(self, kind: Literal["md", "json"]) -> Path:
        return self.root / f"benchmark.{kind}"

    def card(self, galaxy: int) -> Path:
        return self.root / "show" / f"{galaxy}.png"

    @property
    def settings(self) -> Path:
        return self.root / "settings.json"

    @property
    def lock(self) -> Path:
        return self.root / "lock"


def receipt_file(folder: Path) -> Path:
    return folder / "receipt.json"


def ids_file(folder: Path) -> Path:
    return folder / "ids.npy"


def shard_file(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.npy"


def network_file(folder: Path) -> Path:
    return folder / "model.keras"


def history_file(folder: Path) -> Path:
    return folder / "history.csv"


def checkpoint_file(folder: Path) -> Path:
    return folder / "checkpoint.npz"


def predictions_file(folder: Path) -> Path:
    return folder / "predictions.npz"


def validation_file(folder: Path) -> Path:
    return folder / "validation.npz"


def scored_file(folder: Path) -> Path:
    return folder / "scored.npz"


def plot_file(folder: Path, name: str) -> Path:
    return folder / "plots" / f"{name}.png"


def submissions_folder(name: str) -> Path:
    return Path(name).absolute() if name else PROJECT / "submissions"


def ledger_file(folder: Path) -> Path:
    return folder / "ledger.csv"


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A neighbour to write to, which takes the place of `path` once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # the ending stays, since writers choose a format by it
    partial = path.with_name(f"{path.stem}{PARTIAL}{path.suffix}")
    try:
        yield partial
        with open(partial, "rb") as written:
            os.fsync(written.fileno())  # a power cut must not leave an empty file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    with atomic(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """The content of a JSON file; None where there is no readable one."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def file_digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def empty(folder: Path) -> Path:
    """Makes the folder anew, its receipt gone first."""
    receipt_file(folder).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def locked(path: Path, what: str = "", wait: bool = False) -> Iterator[None]:
    """Holds a lock that the system releases when the process ends, however it ends.

    Args:
        path: the lock file; it stays, since only the lock on it counts.
        what: what the holder uses, for the refusal.
        wait: wait for another holder instead of refusing.

    Raises:
        PipelineError: another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise PipelineError(
                f"{what} is in use by process {holder}. Wait for it to end, or give "
                "another --work folder."
            ) from None
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
