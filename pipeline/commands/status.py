"""What of a run is done, damaged, missing, half made or being made."""

import datetime

from pipeline.commands.table import table
from pipeline.files import lock_holder
from pipeline.progress import human_size
from pipeline.runs.contents import trouble_with_csv
from pipeline.runs.graph import Member, Run
from pipeline.runs.origin import InPlace
from pipeline.runs.paths import history_file
from pipeline.runs.receipts import Artifact, folder_size
from pipeline.training.history import read_history

HEADER = ("artifact", "stage", "state", "size", "made", "what")
NOTES = {  # what a receipt's result says in a word, and how
    "num_train": "{:,} training images",
    "num_test": "{:,} test images",
    "num_images": "{:,} images",
    "validation_rmse": "validation RMSE {:.4f}",
    "expected_rmse": "expected {:.4f}",
    "num_rows": "{:,} rows",
    "csv": "{}",
}


def status(run: Run) -> str:
    """A table of the artifacts of the present settings: state, size, and result."""
    source, preset = run.settings.source, run.settings.preset
    holder = lock_holder(run.work.lock)
    rows = [describe(run, item, holder) for item in run.artifacts]
    return f"{run.work.root}: source {source}, preset {preset}\n{table(HEADER, rows)}"


def describe(run: Run, item: Artifact, holder: str | None) -> tuple[str, ...]:
    """A row of the table; `holder` is the process that works in the directory."""
    receipt, state = item.receipt, item.state
    folder = item.folder if item.folder.exists() else item.partial
    size = human_size(folder_size(folder)) if folder.exists() else ""
    if receipt is None:
        making, note = progress_of(item, holder)
        return item.name, item.made_by, making or state, size, "", note
    notes = [
        text.format(receipt["result"][key])
        for key, text in NOTES.items()
        if key in receipt["result"]
    ]
    if bad := receipt["result"].get("bad"):
        notes.append(f"{len(bad)} bad")
    if state == "outdated":
        notes.append(f"{item.changed_input} was made anew")
    if (
        item is run.submission
        and state == "done"
        and (trouble := trouble_with_csv(run))
    ):
        notes.append(f"the file {trouble}")
    making, note = progress_of(item, holder)
    notes += [text for text in (making and f"{making} anew", note) if text]
    made = datetime.datetime.fromisoformat(receipt["made"]["at"])
    return item.name, item.made_by, state, size, f"{made:%F %T} UTC", ", ".join(notes)


def progress_of(item: Artifact, holder: str | None) -> tuple[str, str]:
    """Whether somebody makes it now, and how far a training has come."""
    if isinstance(item, InPlace):
        at_work = holder is not None and item.state == "half made"
    else:
        at_work = holder is not None and item.maker == holder
    making = f"being made by process {holder}" if at_work else ""
    history = history_file(item.partial)
    if not isinstance(item, Member) or not history.is_file():
        return making, ""
    return making, f"epoch {len(read_history(history))} of {item.config.epochs} is done"
