"""Stage 5: the submission CSV, checked before it counts."""

import datetime
import logging
import subprocess
from pathlib import Path

import numpy as np

from pipeline.data.tables import read_fractions, read_ids, write_fractions
from pipeline.data.tree import COLUMNS, QUESTIONS, tree_violations
from pipeline.errors import PipelineError
from pipeline.files import atomic, file_digest
from pipeline.kaggle.ledger import add_to_ledger
from pipeline.runs.contents import load_ids, load_predictions, raw_file, submission_csv
from pipeline.runs.graph import Run
from pipeline.runs.paths import PROJECT
from pipeline.runs.receipts import Artifact, making, require
from pipeline.settings.schema import Settings
from pipeline.sources.choose import source_name

SCORES = ("validation_rmse", "validation_standard_error", "expected_rmse")

log = logging.getLogger(__name__)


def export(run: Run, force: bool = False) -> None:
    """Writes the file that is uploaded to Kaggle, and a line in the ledger.

    Reads   predictions/predictions.npz, shards/test/ids.npy, raw/ (sample submission)
    Writes  submissions/<name>.csv      38 columns, a row for each test galaxy
            submissions/ledger.csv      a line for each submission
            submission/receipt.json     where the CSV is, and its digest
    """
    submission = run.submission
    if submission.is_done and csv_is_there(submission) and not force:
        log.info("submission is up to date")
        return
    ids, fractions = load_predictions(run.predictions)
    check_ids(ids, expected_ids(run))
    check_fractions(ids, fractions)
    path = run.submissions.csv(submission_name(run))
    with making(submission) as result:
        write_checked(path, ids, fractions)
        result |= {
            "csv": str(path),
            "sha256": file_digest(path),
            "num_rows": len(ids),
        }
        # an average of runs that held out other galaxies has none
        known = run.predictions.result
        result |= {name: known[name] for name in SCORES if name in known}
        add_to_ledger(run.submissions.ledger, ledger_row(run.settings, result))
    log.info("submission: %d rows", len(ids))


def csv_is_there(submission: Artifact) -> bool:
    """Whether the CSV is still what the receipt says."""
    path = submission_csv(submission)
    return path.exists() and file_digest(path) == submission.result["sha256"]


def expected_ids(run: Run) -> np.ndarray:
    """The test ids in the order of the images; the sample submission's are the same."""
    images = load_ids(run.shards("test"))
    raw = require(run.raw)
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


def write_checked(path: Path, ids: np.ndarray, fractions: np.ndarray) -> None:
    """Writes the CSV and reads it back before it gets its name."""
    with atomic(path) as partial:
        write_fractions(partial, ids, fractions)
        written_ids, written = read_fractions(partial)
        check_ids(written_ids, ids)
        check_fractions(written_ids, written)


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
    """Refuses what is not a fraction, and what breaks the decision tree."""
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


def submission_name(run: Run) -> str:
    """Says where it comes from and how it was made; another for other predictions.

    One of the demo sky says so whatever name is asked for.
    """
    settings = run.settings
    source = source_name(settings.source)
    digest = run.predictions.digest[:8]
    name = settings.export.name or f"{source}-{settings.preset}-{digest}"
    is_told = settings.source != "demo" or name.startswith("demo")
    return name if is_told else f"demo-{name}"


def ledger_row(settings: Settings, result: dict[str, object]) -> dict[str, object]:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {
        "file": Path(result["csv"]).name,
        "sha256": result["sha256"],
        "source": settings.source,
        "preset": settings.preset,
        **{name: f"{result[name]:.5f}" for name in SCORES if name in result},
        "commit": git_commit(),
        "time": now,
    }


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
