"""Every run of a work directory, side by side."""

import datetime
from pathlib import Path

from pipeline.commands.table import table
from pipeline.errors import PipelineError
from pipeline.progress import duration, human_size
from pipeline.runs.graph import Run
from pipeline.runs.receipts import Artifact, folder_size, read_receipt
from pipeline.runs.resolve import kept_run
from pipeline.runs.saved import read_saved

HEADER = ("run", "preset", "what differs from it", "state", "expected", "size", "age")
OF_A_RESULT = ("demo", "preprocess", "train", "predict")  # sections
NUMBERS = ("expected", "size", "age")


def runs(run: Run) -> str:
    """A row for each run, the newest first; the one of the present settings is marked.

    Reads   runs/<digest>.toml    what each run was asked for
    """
    files = sorted(run.work.runs, key=lambda file: -file.stat().st_mtime)
    if not files:
        return f'{run.work.root} has no runs yet. "./run.sh all" makes one.'
    rows = [describe(run, file) for file in files]
    hint = f"* is the run of the present settings. --config {run.work.run('RUN')}"
    return f"{table(HEADER, rows, NUMBERS)}\n{hint} takes another."


def describe(present: Run, file: Path) -> tuple[str, ...]:
    name = f"{file.stem} *" if file.stem == present.digest else file.stem
    asked = read_saved(present.work, file)
    changes = ", ".join(
        f"{key}={value}"
        for key, value in sorted(asked.values.items())
        if key.partition(".")[0] in OF_A_RESULT
    )
    receipt = read_receipt(present.work.root / "predictions" / file.stem)
    rmse = receipt["result"].get("expected_rmse") if receipt else None
    expected = "" if rmse is None else f"{rmse:.4f}"
    try:
        run = kept_run(present.work, file)
        state, size = state_of(run, file.stem), human_size(total_size(run))
    except PipelineError as error:
        state, size = str(error), ""
    return name, asked.preset or "", changes, state, expected, size, age_of(file)


def state_of(run: Run, digest: str) -> str:
    """How far it has come."""
    if run.digest != digest:
        return "was of other files"
    if run.submission.is_done:
        return "done"
    waiting = [item for item in run.artifacts if not item.is_done]
    first = waiting[0]
    if isinstance(first, Artifact) and first.state == "missing":
        return f"not done: {first.made_by} comes next"
    return f"not done: {first.name} is {first.state}"


def total_size(run: Run) -> int:
    """Bytes of all its artifacts, those that other runs share among them."""
    folders = [item.folder for item in run.artifacts if item is not run.raw]
    return sum(folder_size(folder) for folder in folders if folder.exists())


def age_of(file: Path) -> str:
    """Since when it has been asked for."""
    now = datetime.datetime.now().timestamp()
    seconds = max(0.0, now - file.stat().st_mtime)
    return duration(seconds) if seconds < 86_400 else f"{seconds / 86_400:.0f} days"
