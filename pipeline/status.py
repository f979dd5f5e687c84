"""What is done, stale or missing in a work directory."""

from pathlib import Path

from pipeline import artifacts, workdir
from pipeline.artifacts import Artifact
from pipeline.config import Config
from pipeline.workdir import WorkDir

NOTES = {  # what a receipt's result says in a word, and how
    "num_train": "{:,} training images",
    "num_test": "{:,} test images",
    "num_images": "{:,} images",
    "validation_rmse": "validation RMSE {:.4f}",
    "expected_rmse": "expected {:.4f}",
    "num_rows": "{:,} rows",
    "csv": "{}",
}


def status(config: Config, work: WorkDir) -> str:
    """A table of every artifact: its state, size, time of making, and result."""
    rows = [("artifact", "stage", "state", "size", "made", "what")]
    rows += [describe(item) for item in artifacts.all_artifacts(config, work)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join([*map(str.ljust, row[:5], widths), row[5]]).rstrip() for row in rows
    ]
    return "\n".join(
        [
            f"{work.root}: source {config.source}, preset {config.preset}",
            *lines,
            *unfinished_training(config, work),
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
        notes.append(artifacts.difference(item))
    made = receipt["made"]["at"].replace("T", " ").replace("+00:00", " UTC")
    return item.name, item.made_by, state, size, made, ", ".join(notes)


def unfinished_training(config: Config, work: WorkDir) -> list[str]:
    """A line for each training that will go on from a checkpoint."""
    return [
        f'{member.name} was interrupted; "./run.sh train" goes on from its checkpoint'
        for member in artifacts.members(config, work)
        if member.state == "incomplete"
        and workdir.checkpoint_file(member.folder).exists()
    ]


def folder_size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def human_size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
