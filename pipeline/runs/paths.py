"""The name of every file and folder of a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.files import PARTIAL

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")
PROJECT = Path(__file__).resolve().parents[2]
# where artifacts are, as patterns below a work directory
PLAN = "plan"  # the kind of artifact that says what minutes are used for
ARTIFACTS = (
    *("raw/*", "shards/*", "models/*", "held_out/*", "predictions/*", "submission/*"),
    *("classify-*", "report-*", "features-*"),
)


@dataclass(frozen=True)
class WorkDir:
    """The folder that holds runs; what is not an artifact has its name here."""

    root: Path

    @property
    def marker(self) -> Path:
        """By this file, the first one written, the folder is known to be ours."""
        return self.root / "galaxy-zoo.json"

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    @property
    def page(self) -> Path:
        return self.root / "report.html"

    def card(self, galaxy: int) -> Path:
        return self.root / "show" / f"{galaxy}.png"

    def similar(self, galaxy: int) -> Path:
        return self.root / "show" / f"{galaxy}-similar.png"

    @property
    def settings(self) -> Path:
        return self.root / "settings.toml"

    def run(self, digest: str) -> Path:
        return self.root / "runs" / f"{digest}.toml"

    @property
    def runs(self) -> list[Path]:
        return sorted((self.root / "runs").glob("[0-9a-f]*.toml"))

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def settings_lock(self) -> Path:
        """Held for moments, by those who do shares of a command at the same time."""
        return self.root / "lock-settings"

    def share_lock(self, share: str) -> Path:
        """Of one of several machines that do parts of the same work."""
        return self.root / f"lock-{share}"


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
    return SubmissionsDir(Path(folder) if folder else PROJECT / "submissions")


def partial_folder(folder: Path) -> Path:
    """Where a folder is made before it takes its place."""
    return folder.with_name(folder.name + PARTIAL)


def receipt_file(folder: Path) -> Path:
    return folder / "receipt.json"


def maker_file(folder: Path) -> Path:
    """The process that is filling a folder, or was when it was killed."""
    return folder / "maker"


def ids_file(folder: Path) -> Path:
    return folder / "ids.npy"


def shard_file(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.npy"


def shard_note_file(folder: Path, number: int) -> Path:
    """What is in a shard, kept until all of them are there."""
    return folder / f"{number:05d}.json"


def network_file(folder: Path) -> Path:
    return folder / "model.keras"


def history_file(folder: Path) -> Path:
    return folder / "history.csv"


def checkpoint_file(folder: Path) -> Path:
    return folder / "checkpoint.npz"


def blocks_folder(folder: Path) -> Path:
    """Where predictions are kept until all of them are there."""
    return folder / "blocks"


def features_file(folder: Path) -> Path:
    return folder / "features.npy"


def predictions_file(folder: Path) -> Path:
    return folder / "predictions.npz"


def held_out_file(folder: Path) -> Path:
    return folder / "held_out.npz"


def page_file(folder: Path) -> Path:
    return folder / "report.html"


def plots_folder(folder: Path) -> Path:
    return folder / "plots"


def plot_file(folder: Path, name: str) -> Path:
    return plots_folder(folder) / f"{name}.svg"


def numbers_file(folder: Path, name: str) -> Path:
    """The numbers of a plot, or of a table."""
    return plots_folder(folder) / f"{name}.csv"
