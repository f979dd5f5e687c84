"""What a command would make, and why, without making it."""

from collections.abc import Iterator, Mapping, Sequence
from operator import mul
from typing import Any

from pipeline.errors import remedy
from pipeline.machine import memory_bytes
from pipeline.output import duration
from pipeline.runs.graph import Member, Run
from pipeline.runs.memory import told_memory
from pipeline.runs.paths import history_file
from pipeline.runs.preflight import told_room
from pipeline.runs.receipts import Artifact, read_receipt
from pipeline.tables import table
from pipeline.training.history import read_history

HEADER = ("artifact", "stage", "what", "takes about")


def plan(run: Run, stages: Sequence[str], force: bool) -> str:
    """A row for each artifact of the stages, and what they would lack.

    Args:
        run: what is asked for.
        stages: that would be run, in order; with `report` where it would be drawn.
        force: whether what is up to date would be made anew.
    """
    chosen = [item for item in run.artifacts if item.made_by in stages]
    rows = [
        (item.name, item.made_by, fate(item, force), seconds_text(run, item, force))
        for item in chosen
    ]
    lines = [table(HEADER, rows, HEADER[3:]), *lacking(chosen)]
    if seconds := seconds_to_come(run, stages, force):
        lines.append(f"All of it takes about {duration(seconds)}.")
    lines += needs(run, stages)
    if not run.raw.is_done:
        lines.append("Names may change once the competition's files are there.")
    return "\n".join(lines)


def needs(run: Run, stages: Sequence[str]) -> Iterator[str]:
    """What the stages take of the machine, a line each."""
    yield f"disk: {told_room(run, stages)}"
    if {"train", "predict"} & {*stages}:
        yield f"memory: {told_memory(run.settings, memory_bytes())}"


def fate(item: Artifact, force: bool) -> str:
    """Whether it would be made, and why."""
    state = item.state
    if state == "done":
        return "would be made anew: --force" if force else "is up to date"
    if state == "half made" and epochs_done(item):
        return f"would be resumed after epoch {epochs_done(item)}"
    if state == "outdated":
        return f"would be made anew: {item.changed_input} has changed"
    return f"would be made: it is {state}"


def epochs_done(item: Artifact) -> int:
    if not isinstance(item, Member):
        return 0
    return len(read_history(history_file(item.partial)))


def seconds_to_come(run: Run, stages: Sequence[str], force: bool) -> float | None:
    """How long the stages take from now on; None where nothing tells."""
    if run.plan and not run.plan.is_done:
        return max(0.0, run.seconds_left)
    coming = [
        item
        for item in run.artifacts
        if item.made_by in stages and (force or not item.is_done)
    ]
    expected = [seconds_expected(run, item) for item in coming]
    if None in expected:
        return None
    parts = [run.overlap if isinstance(item, Member) else 1.0 for item in coming]
    return sum(map(mul, expected, parts))


def seconds_text(run: Run, item: Artifact, force: bool) -> str:
    if item.state == "done" and not force:
        return ""
    seconds = seconds_expected(run, item)
    return "" if seconds is None else duration(seconds)


def seconds_expected(run: Run, item: Artifact) -> float | None:
    """How long it, or the newest of its kind, took; None where nothing tells."""
    if isinstance(item, Member) and (done := epochs_done(item)):
        history = read_history(history_file(item.partial))
        spent = sum(epoch["seconds"] for epoch in history)
        return spent / done * (item.config.epochs - done)
    if item.receipt is not None:
        return item.receipt["made"]["seconds"]
    if run.plan and run.plan.is_done and item.made_by in ("train", "predict"):
        return seconds_planned(run, item)
    similar = similar_receipts(run, item)
    newest = max(similar, key=lambda receipt: receipt["made"]["at"], default=None)
    if newest is None:
        return None
    seconds = newest["made"]["seconds"]
    if isinstance(item, Member):
        seconds *= item.config.epochs / epochs_of(newest)
    return seconds


def seconds_planned(run: Run, item: Artifact) -> float:
    """What the plan says of a network, and of all predictions."""
    planned = run.plan.result
    if isinstance(item, Member):
        return planned["training_seconds"] / (len(run.members) * run.overlap)
    return planned["prediction_seconds"] / 2  # held-out galaxies and test set


def epochs_of(receipt: dict[str, Any]) -> int:
    """How many a network had; those of earlier versions had what was asked for."""
    had = receipt["result"].get("epochs")
    return had or receipt["recipe"]["settings"]["epochs"]


def similar_receipts(run: Run, item: Artifact) -> list[dict[str, Any]]:
    """The receipts of other artifacts of its kind; of a network, as large as it."""
    pattern = f"{item.kind}*"
    if isinstance(item, Member):
        pattern = f"models/{item.config.model}-*"
    receipts = filter(None, map(read_receipt, run.work.root.glob(pattern)))
    if not isinstance(item, Member):
        return [*receipts]
    wanted = size_of_network(item.settings)
    return [
        receipt
        for receipt in receipts
        if size_of_network(receipt["recipe"]["settings"]) == wanted
    ]


def size_of_network(settings: Mapping[str, Any]) -> list[Any]:
    """What of its recipe an epoch's time follows from."""
    always = ("model", "image_size", "width", "view_size")
    added = ("num_levels", "shrink_to", "equivariant")  # not in every recipe
    return [settings[key] for key in always] + [settings.get(key) for key in added]


def lacking(chosen: Sequence[Artifact]) -> Iterator[str]:
    """What the chosen artifacts need that nobody would make."""
    made = {item.name for item in chosen}
    told: set[str] = set()
    for item in chosen:
        for needed in (*item.needs, *item.inputs):
            if needed.name in made | told or needed.is_done or item.is_done:
                continue
            told.add(needed.name)
            yield (
                f"{needed.name} is {needed.state}: run "
                f"{remedy(needed.made_by, needed.root)} first."
            )
