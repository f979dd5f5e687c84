"""What is done, stale or missing in a work directory."""

from pathlib import Path

from pipeline.commands.table import table
from pipeline.runs.graph import Run
from pipeline.runs.paths import checkpoint_file
from pipeline.runs.receipts import Artifact, difference

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
    """A table of every artifact: its state, size, time of making, and result."""
    source, preset = run.settings.source, run.settings.preset
    return "\n".join(
        [
            f"{run.work.root}: source {source}, preset {preset}",
            table(HEADER, map(describe, run.artifacts)),
            *unfinished_training(run),
        ]
    )


def describe(item: Artifact) -> tuple[str, str, str, str, str, str]:
    receipt = item.receipt
    state = item.state
    size = human_size(folder_size(item.folder)) if state != "missing" else ""
    if receipt is None:
        return item.name, item.made_by, state, size, "", ""
    notes = [
        text.format(receipt["result"][key])
        for key, text in NOTES.items()
        if key in receipt["result"]
    ]
    if bad := receipt["result"].get("bad"):
        notes.append(f"{len(bad)} bad")
    if state == "stale":
        notes.append(difference(item))
    made = receipt["made"]["at"].replace("T", " ").replace("+00:00", " UTC")
    return item.name, item.made_by, state, size, made, ", ".join(notes)


def unfinished_training(run: Run) -> list[str]:
    """A line for each training that will resume from a checkpoint."""
    return [
        f'{member.name} was interrupted; "./run.sh train" resumes from its checkpoint'
        for member in run.members
        if member.state == "incomplete" and checkpoint_file(member.folder).exists()
    ]


def folder_size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def human_size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
