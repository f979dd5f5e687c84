"""Stage 5: the submission CSV, checked before it counts."""

import logging
import shutil
from pathlib import Path

import numpy as np

from pipeline.data.tables import read_fractions, write_fractions
from pipeline.data.tree import COLUMNS, QUESTIONS, tree_violations
from pipeline.errors import PipelineError, remedy
from pipeline.files import atomic, file_digest
from pipeline.kaggle.ledger import add_to_ledger
from pipeline.runs.contents import load_ids, load_predictions, trouble_with_csv
from pipeline.runs.graph import Run
from pipeline.runs.provenance import git_commit, now
from pipeline.runs.receipts import is_up_to_date, making
from pipeline.settings.schema import Settings
from pipeline.sources.choose import source_name
from pipeline.sources.integrity import refuse_strangers

SCORES = ("validation_rmse", "validation_standard_error", "expected_rmse")

log = logging.getLogger(__name__)


def export(run: Run, force: bool = False) -> None:
    """Writes the file that is uploaded to Kaggle, and a line in the ledger.

    Reads   predictions/<digest>/, shards/test/ids.npy, raw/ (sample submission)
    Writes  submissions/<name>-<digest>.csv    38 columns, a row for each test galaxy;
                                               the digest is that of its bytes
            submissions/ledger.csv             a line for each submission
            submission/<digest>/receipt.json   the CSV's name, and its sha256
    """
    if is_up_to_date(run.submission, force or not was_exported(run)):
        return
    ids, fractions = load_predictions(run.predictions)
    check_ids(run, ids)
    check_fractions(run, ids, fractions)
    with making(run.submission) as made:
        local = made.folder / "submission.csv"
        write_checked(run, local, ids, fractions)
        digest = file_digest(local)
        path = run.submissions.csv(f"{name_prefix(run)}-{digest[:8]}")
        publish(local, path, digest)
        made.result |= {"csv": path.name, "sha256": digest, "num_rows": len(ids)}
        made.result["folder"] = str(path.parent)
        # an average of runs that held out other galaxies has none
        known = run.predictions.result
        made.result |= {name: known[name] for name in SCORES if name in known}
        add_to_ledger(run.submissions.ledger, ledger_row(run.settings, made.result))
    log.info("submission: %d rows", len(ids))


def was_exported(run: Run) -> bool:
    return run.submission.is_done and trouble_with_csv(run) is None


def publish(local: Path, path: Path, digest: str) -> None:
    """Moves a checked CSV to its place; what somebody changed there is set aside."""
    if path.exists() and file_digest(path) != digest:
        number = 1
        while (other := path.with_name(f"{path.stem}.changed-{number}.csv")).exists():
            number += 1
        path.rename(other)
        log.warning("%s was changed since its export; kept as %s", path, other.name)
    with atomic(path) as partial:
        shutil.copyfile(local, partial)
    local.unlink()


def expected_ids(run: Run) -> np.ndarray:
    """The test ids in the order of the images; the sample submission's are the same."""
    images = load_ids(run.shards("test"))
    if sample := run.raw.find("sample"):
        refuse_strangers(images, sample)
    return images


def write_checked(run: Run, path: Path, ids: np.ndarray, fractions: np.ndarray) -> None:
    """Writes the CSV and reads it back before it counts."""
    write_fractions(path, ids, fractions)
    written_ids, written = read_fractions(path)
    check_ids(run, written_ids)
    check_fractions(run, written_ids, written)


def check_ids(run: Run, ids: np.ndarray) -> None:
    """Refuses rows that are not the test galaxies, each once and in order."""
    expected = expected_ids(run)
    if not np.array_equal(ids, expected):
        strangers = np.setxor1d(ids, expected)
        first = strangers[0] if len(strangers) else ids[0]
        raise PipelineError(
            f"The predictions hold {len(ids)} galaxies, the test set {len(expected)}; "
            f"they differ, at galaxy {first} first. {again(run)}."
        )


def check_fractions(run: Run, ids: np.ndarray, fractions: np.ndarray) -> None:
    """Refuses what is not a fraction, and what breaks the decision tree."""
    good = np.isfinite(fractions) & (fractions >= 0) & (fractions <= 1)
    if not good.all():
        row, column = np.argwhere(~good)[0]
        raise PipelineError(
            f"{(~good).any(axis=1).sum()} galaxies have values outside 0 to 1, the "
            f"first being {ids[row]}: {COLUMNS[column]} is {fractions[row, column]}. "
            f"{again(run)}, or train anew."
        )
    broken = tree_violations(fractions)
    if broken.any():
        row, question = np.argwhere(broken)[0]
        raise PipelineError(
            f"{broken.any(axis=1).sum()} galaxies break the decision tree, the first "
            f"being {ids[row]} at question {QUESTIONS[question].number}. "
            "Set predict.obey_tree=true."
        )


def again(run: Run) -> str:
    return f"Run {remedy('predict', run.work.root, '--force')}"


def name_prefix(run: Run) -> str:
    """Says where it comes from and how it was made, or what the user asks for.

    One of the demo sky says so whatever name is asked for.
    """
    settings = run.settings
    name = settings.export.name or f"{source_name(settings.source)}-{settings.preset}"
    is_told = settings.source != "demo" or name.startswith("demo")
    return name if is_told else f"demo-{name}"


def ledger_row(settings: Settings, result: dict[str, object]) -> dict[str, object]:
    return {
        "file": result["csv"],
        "sha256": result["sha256"],
        "source": settings.source,
        "preset": settings.preset,
        **{name: f"{result[name]:.5f}" for name in SCORES if name in result},
        "commit": git_commit(),
        "time": now(),
    }
