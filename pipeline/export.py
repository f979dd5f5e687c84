"""Stage 5: the submission CSV, checked before it counts."""

import datetime
import logging
from pathlib import Path

import numpy as np

from pipeline import artifacts, workdir
from pipeline.artifacts import Artifact, making, raw_file, require
from pipeline.config import Config
from pipeline.errors import PipelineError
from pipeline.fractions import read_fractions, read_ids, write_fractions
from pipeline.ledger import add_to_ledger, git_commit
from pipeline.sources import source_name
from pipeline.tree import COLUMNS, QUESTIONS, tree_violations
from pipeline.workdir import WorkDir, file_digest

SCORES = ("validation_rmse", "validation_standard_error", "expected_rmse")

log = logging.getLogger(__name__)


def export(config: Config, work: WorkDir, force: bool = False) -> None:
    """Writes the file that is uploaded to Kaggle, and a line in the ledger.

    Reads   predictions/predictions.npz, shards/test/ids.npy, raw/ (sample submission)
    Writes  submissions/<name>.csv      38 columns, a row for each test galaxy
            submissions/ledger.csv      a line for each submission
            submission/receipt.json     where the CSV lies, and its digest
    """
    submission = artifacts.submission(config, work)
    if submission.state == "done" and csv_is_there(submission) and not force:
        log.info("submission is up to date")
        return
    predictions = require(artifacts.predictions(config, work))
    ids, fractions = load_predictions(predictions)
    check_ids(ids, expected_ids(config, work))
    check_fractions(ids, fractions)
    folder = workdir.submissions_folder(config.export.folder)
    path = folder / f"{submission_name(config, predictions)}.csv"
    with making(submission) as result:
        with workdir.atomic(path) as partial:
            write_fractions(partial, ids, fractions)
            written_ids, written = read_fractions(partial)
            check_ids(written_ids, ids)
            check_fractions(written_ids, written)
        result |= {
            "csv": str(path),
            "sha256": file_digest(path),
            "num_rows": len(ids),
        }
        # an average of runs that held out other galaxies has none
        known = predictions.result
        result |= {name: known[name] for name in SCORES if name in known}
        add_to_ledger(folder, ledger_row(config, result))
    log.info("submission: %d rows", len(ids))


def csv_path(config: Config, work: WorkDir) -> Path:
    """Where the finished submission lies."""
    return Path(artifacts.submission(config, work).result["csv"])


def csv_is_there(submission: Artifact) -> bool:
    """Whether the CSV is still what the receipt says."""
    path = Path(submission.result["csv"])
    return path.exists() and file_digest(path) == submission.result["sha256"]


def load_predictions(predictions: Artifact) -> tuple[np.ndarray, np.ndarray]:
    with np.load(workdir.predictions_file(predictions.folder)) as file:
        return file["ids"], file["fractions"]


def expected_ids(config: Config, work: WorkDir) -> np.ndarray:
    """The test ids in the order of the sample submission, or of the images."""
    images = np.load(workdir.ids_file(work.shards("test")))
    raw = require(artifacts.raw(config, work))
    if "sample" not in raw.result["files"]:
        return images
    sample = read_ids(raw_file(raw, "sample"))
    strangers = np.setxor1d(images, sample)
    if len(strangers):
        raise PipelineError(
            f"The test images and the sample submission differ in {len(strangers)} "
            f"galaxies, the first being {strangers[0]}. Is the download complete?"
        )
    return images


def check_ids(ids: np.ndarray, expected: np.ndarray) -> None:
    """Refuses rows that are not the test galaxies, each once and in order."""
    if not np.array_equal(ids, expected):
        strangers = np.setxor1d(ids, expected)
        first = strangers[0] if len(strangers) else ids[0]
        raise PipelineError(
            f"The predictions hold {len(ids)} galaxies, the test set {len(expected)}; "
            f'they differ, at galaxy {first} first. Run "./run.sh predict --force".'
        )


def check_fractions(ids: np.ndarray, fractions: np.ndarray) -> None:
    """Refuses what is no fraction, and what breaks the decision tree."""
    good = np.isfinite(fractions) & (fractions >= 0) & (fractions <= 1)
    if not good.all():
        row, column = np.argwhere(~good)[0]
        raise PipelineError(
            f"{(~good).any(axis=1).sum()} galaxies have values outside 0 to 1, the "
            f"first being {ids[row]}: {COLUMNS[column]} is {fractions[row, column]}. "
            'Run "./run.sh predict --force", or train anew.'
        )
    broken = tree_violations(fractions)
    if broken.any():
        row, question = np.argwhere(broken)[0]
        raise PipelineError(
            f"{broken.any(axis=1).sum()} galaxies break the decision tree, the first "
            f"being {ids[row]} at question {QUESTIONS[question].number}. "
            "Set predict.obey_tree=true."
        )


def submission_name(config: Config, predictions: Artifact) -> str:
    """Says where it comes from and how it was made; another for other predictions.

    One of the demo sky says so whatever name is asked for.
    """
    source = source_name(config.source)
    name = config.export.name or f"{source}-{config.preset}-{predictions.digest[:8]}"
    is_told = config.source != "demo" or name.startswith("demo")
    return name if is_told else f"demo-{name}"


def ledger_row(config: Config, result: dict[str, object]) -> dict[str, object]:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {
        "file": Path(result["csv"]).name,
        "sha256": result["sha256"],
        "source": config.source,
        "preset": config.preset,
        **{name: f"{result[name]:.5f}" for name in SCORES if name in result},
        "commit": git_commit(),
        "time": now,
    }
