"""What of a run is done, damaged, missing, half made or being made."""

import argparse
import datetime
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.files import lock_holder
from pipeline.output import human_size
from pipeline.runs.contents import trouble_with_csv
from pipeline.runs.graph import Member, Run
from pipeline.runs.origin import InPlace
from pipeline.runs.paths import history_file
from pipeline.runs.receipts import Artifact, folder_size
from pipeline.runs.resolve import Resolved
from pipeline.tables import table
from pipeline.training.history import read_history

EXAMPLE = "./run.sh status --work work/demo"
HEADER = ("artifact", "stage", "state", "size", "made", "what")
NOTES = {  # what a receipt's result says in a word, and how
    "num_train": "{:,} training images",
    "num_test": "{:,} test images",
    "num_images": "{:,} images",
    "epoch_rmse": "epoch RMSE {:.4f}",
    "validation_rmse": "validation RMSE {:.4f}",
    "expected_rmse": "expected RMSE {:.4f}",
    "num_rows": "{:,} rows",
    "csv": "{}",
}


@dataclass(frozen=True)
class Standing:
    """Where an artifact stands.

    Attributes:
        state: one of `State`, or "being made by process N".
        num_bytes: of all its files; None where there are none.
        made: when, in UTC; empty where it is not.
    """

    artifact: str
    stage: str
    state: str
    num_bytes: int | None
    made: str
    what: str


def gather(resolved: Resolved, options: argparse.Namespace) -> dict[str, Any]:
    """The state, size and result of each artifact of the present settings."""
    run = resolved.run
    holder = lock_holder(run.work.lock)
    return {
        "work": str(run.work.root),
        "source": run.settings.source,
        "preset": run.settings.preset,
        "run": run.digest,
        "artifacts": [asdict(examine(run, item, holder)) for item in run.artifacts],
    }


def describe(facts: dict[str, Any]) -> str:
    first = "{work}: source {source}, preset {preset}".format(**facts)
    rows = [cells(row) for row in facts["artifacts"]]
    return f"{first}\n{table(HEADER, rows)}"


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    size = "" if row["num_bytes"] is None else human_size(row["num_bytes"])
    made = row["made"] and f"{row['made']} UTC"
    return row["artifact"], row["stage"], row["state"], size, made, row["what"]


def examine(run: Run, item: Artifact, holder: str | None) -> Standing:
    """Looks at an artifact; `holder` is the process that works in the directory."""
    receipt, state = item.receipt, item.state
    folder = item.folder if item.folder.exists() else item.partial
    size = folder_size(folder) if folder.exists() else None
    making, note = progress_of(item, holder)
    if receipt is None:
        return Standing(item.name, item.made_by, making or state, size, "", note)
    notes = [
        text.format(receipt["result"][key])
        for key, text in NOTES.items()
        if key in receipt["result"]
    ]
    if bad := receipt["result"].get("bad"):
        notes.append(f"{len(bad)} bad")
    if state == "outdated":
        notes.append(f"{item.changed_input} has changed")
    if item is run.submission and state == "done":
        notes += [f"the file {text}" for text in [trouble_with_csv(run)] if text]
    notes += [text for text in (making and f"{making} anew", note) if text]
    made = datetime.datetime.fromisoformat(receipt["made"]["at"])
    return Standing(
        item.name, item.made_by, state, size, f"{made:%F %T}", ", ".join(notes)
    )


def progress_of(item: Artifact, holder: str | None) -> tuple[str, str]:
    """Whether somebody makes it now, and how far a training has come."""
    if isinstance(item, InPlace):
        at_work = holder is not None and item.state == "half made"
    else:
        at_work = holder is not None and item.maker == holder
    making = f"being made by process {holder}" if at_work else ""
    if not isinstance(item, Member):
        return making, ""
    if not (epochs := len(read_history(history_file(item.partial)))):
        return making, ""
    return making, f"epoch {epochs} of {item.config.epochs} is done"
