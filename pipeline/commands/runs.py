"""Every run in a work directory: its settings, expected RMSE, size and age."""

import argparse
import datetime
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError, remedy
from pipeline.output import duration, human_size
from pipeline.runs.graph import Run
from pipeline.runs.receipts import folder_size, read_receipt
from pipeline.runs.resolve import Resolved, kept_run
from pipeline.runs.saved import read_saved
from pipeline.tables import table

EXAMPLE = "./run.sh runs --work work/demo"
HEADER = ("run", "preset", "what differs from it", "state", "expected", "size", "age")
NUMBERS = ("expected", "size", "age")
OF_A_RESULT = ("demo", "preprocess", "train", "partner", "predict")  # sections


@dataclass(frozen=True)
class Summary:
    """One run in a line.

    Attributes:
        present: whether it is that of the present settings.
        changes: what was asked for beyond the preset.
        num_bytes: of all its artifacts, those that other runs share among them.
        age_seconds: since it was asked for.
    """

    run: str
    present: bool
    preset: str
    changes: dict[str, Any]
    state: str
    expected_rmse: float | None
    num_bytes: int
    age_seconds: float


def gather(resolved: Resolved, options: argparse.Namespace) -> dict[str, Any]:
    """All runs, the newest first.

    Reads   runs/<digest>.toml    what each run was asked for
    """
    run = resolved.run
    files = sorted(run.work.runs, key=lambda file: -file.stat().st_mtime)
    return {
        "work": str(run.work.root),
        "runs": [asdict(examine(run, file)) for file in files],
    }


def describe(facts: dict[str, Any]) -> str:
    work = facts["work"]
    if not facts["runs"]:
        return f"{work} has no runs yet. {remedy('all', work)} makes one."
    hint = f"* is the run of the present settings. --config {work}/runs/RUN.toml"
    return f"{table(HEADER, map(cells, facts['runs']), NUMBERS)}\n{hint} takes another."


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    rmse, age = row["expected_rmse"], row["age_seconds"]
    return (
        f"{row['run']} *" if row["present"] else row["run"],
        row["preset"],
        ", ".join(f"{key}={value}" for key, value in row["changes"].items()),
        row["state"],
        "" if rmse is None else f"{rmse:.4f}",
        human_size(row["num_bytes"]),
        duration(age) if age < 86_400 else f"{age / 86_400:.0f} days",
    )


def examine(present: Run, file: Path) -> Summary:
    asked = read_saved(present.work, file)
    receipt = read_receipt(present.work.root / "predictions" / file.stem)
    try:
        run = kept_run(present.work, file)
        state, size = state_of(run, file.stem), total_size(run)
    except PipelineError as error:
        state, size = str(error), 0
    now = datetime.datetime.now().timestamp()
    return Summary(
        run=file.stem,
        present=file.stem == present.digest,
        preset=asked.preset or "",
        changes={
            key: value
            for key, value in sorted(asked.values.items())
            if key.partition(".")[0] in OF_A_RESULT
        },
        state=state,
        expected_rmse=receipt["result"].get("expected_rmse") if receipt else None,
        num_bytes=size,
        age_seconds=max(0.0, now - file.stat().st_mtime),
    )


def state_of(run: Run, digest: str) -> str:
    """How far it has come."""
    if run.digest != digest:
        return "was of other files"
    waiting = [item for item in run.artifacts if not item.is_done]
    if run.submission.is_done or not waiting:
        return "done"
    first = waiting[0]
    if first.state == "missing":
        return f"not done: {first.made_by} comes next"
    return f"not done: {first.name} is {first.state}"


def total_size(run: Run) -> int:
    """Bytes of all its artifacts, the competition's files not among them."""
    folders = [item.folder for item in run.artifacts if item is not run.raw]
    return sum(folder_size(folder) for folder in folders if folder.exists())
