"""The name of every file and folder of a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class WorkDir:
    """The folder that holds a run; every path in it has its name here."""

    root: Path

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    def shards(self, split: Split) -> Path:
        return self.root / "shards" / split

    def member(self, seed: int, fold: int | None = None) -> Path:
        part = "" if fold is None else f"fold{fold}-"
        return self.root / "models" / f"{part}seed{seed}"

    @property
    def held_out(self) -> Path:
        return self.root / "validation"

    @property
    def predictions(self) -> Path:
        return self.root / "predictions"

    @property
    def submission(self) -> Path:
        return self.root / "submission"

    @property
    def report(self) -> Path:
        return self.root / "report"

    @property
    def page(self) -> Path:
        return self.root / "report.html"

    @property
    def classification(self) -> Path:
        return self.root / "classify"

    def card(self, galaxy: int) -> Path:
        return self.root / "show" / f"{galaxy}.png"

    @property
    def settings(self) -> Path:
        return self.root / "settings.json"

    @property
    def lock(self) -> Path:
        return self.root / "lock"


@dataclass(frozen=True)
class SubmissionsDir:
    """The folder of all submissions, and the ledger of what became of them."""

    root: Path

    def csv(self, name: str) -> Path:
        return self.root / f"{name}.csv"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.csv"

    @property
    def upload_lock(self) -> Path:
        return self.root / ".upload.lock"


def submissions_dir(folder: str) -> SubmissionsDir:
    """The folder of that name; the project's own where it is empty."""
    return SubmissionsDir(
        Path(folder).absolute() if folder else PROJECT / "submissions"
    )


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


def held_out_file(folder: Path) -> Path:
    return folder / "validation.npz"


def plot_file(folder: Path, name: str) -> Path:
    return folder / "plots" / f"{name}.png"
