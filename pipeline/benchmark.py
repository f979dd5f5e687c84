"""Several models on the same galaxies, each trained as long, in one table."""

import dataclasses
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline import artifacts, workdir
from pipeline.artifacts import Artifact, making
from pipeline.comparison import Effort, Row, as_data, describe, make_row
from pipeline.config import Config, Member
from pipeline.download import download
from pipeline.ensemble import column_means
from pipeline.errors import PipelineError
from pipeline.history import read_history
from pipeline.parallel import in_own_process
from pipeline.parsing import parse_settings
from pipeline.preprocess import preprocess
from pipeline.scored import load_scored, score_galaxies, scored_ids
from pipeline.settings import Typed, remember, settle
from pipeline.sources import source_name
from pipeline.train import train
from pipeline.training_set import load_training_set
from pipeline.workdir import PROJECT, WorkDir, locked

CONSTANT = "column means"  # of the galaxies that were fitted, for every galaxy

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A model of the benchmark: what it is called there, and its run."""

    name: str
    typed: Typed
    config: Config
    work: WorkDir


class Outcome(NamedTuple):
    """The table's rows, and the names of the models that have none."""

    rows: list[Row]
    failed: list[str]


def benchmark(
    typed: Typed,
    models: str,
    minutes: float | None = None,
    solutions: Path | None = None,
    force: bool = False,
) -> Outcome:
    """Trains and scores each model in a work directory of its own.

    Each is an ordinary run, which can be interrupted, gone on with and looked at.
    Whatever needs TensorFlow happens in a process of its own: so a training starts
    with all memory and without what another has set for the whole of TensorFlow or
    Keras, its time is that of an ordinary run, and its crash is not the others'.

    Reads   the source, the solutions
    Writes  <entry>/raw, shards, models   by the stages download, preprocess, train
            <entry>/pace/receipt.json     how far the epochs stretch in the minutes
            <entry>/scored/               predictions of the galaxies that are scored
            benchmark.md, benchmark.json  the table

    Args:
        typed: the common options; settings hold for every model that has not its own.
        models: presets, each with `+section.key=value` as often as wanted, and commas
            between them.
        minutes: how long each is trained; None: for its preset's epochs.
        solutions: labels of test galaxies, to score these; None: those held out.
        force: do it all again.

    Raises:
        PipelineError: models that cannot be, or that would be scored differently.
    """
    names = [name.strip() for name in models.split(",")]
    preset, _ = preset_and_settings(names[0])
    config, work = settle(dataclasses.replace(typed, preset=preset))
    if typed.work is None:
        name = f"benchmark-{source_name(config.source)}"
        work = WorkDir(PROJECT / "work" / name)
    with locked(work.lock, str(work.root)):
        common = dataclasses.replace(typed, source=shared_source(config, work))
        entries = [make_entry(name, common, work) for name in names]
        check_names(entries)
        for entry in entries:
            download(entry.config, entry.work)
            preprocess(entry.config, entry.work)
        check_galaxies(entries, solutions)
        done = []
        for number, entry in enumerate(entries, 1):
            log.info("benchmark, %d of %d: %s", number, len(entries), entry.name)
            done += run_entry(entry, minutes, solutions, force)
        rows = compare(done, solutions)
        write_table(rows, work)
    succeeded = {entry.name for entry in done}
    return Outcome(rows, [name for name in names if name not in succeeded])


def preset_and_settings(name: str) -> tuple[str, list[str]]:
    """`preset+section.key=value+...` taken apart; the plus of 1e+3 is none of these."""
    preset, *settings = re.split(r"\+(?=\w+\.)", name)
    return preset, settings


def make_entry(name: str, common: Typed, work: WorkDir) -> Entry:
    preset, settings = preset_and_settings(name)
    typed = dataclasses.replace(
        common,
        work=str(work.run(name).root),
        preset=preset,
        set_values=(common.set_values or {}) | parse_settings(settings),
    )
    return Entry(name, typed, *settle(typed))


def with_stretch(entry: Entry, stretch: float) -> Entry:
    values = (entry.typed.set_values or {}) | {"train.stretch": stretch}
    typed = dataclasses.replace(entry.typed, set_values=values)
    return Entry(entry.name, typed, *settle(typed))


def shared_source(config: Config, work: WorkDir) -> str:
    """The folder that every run reads; what is fetched or rendered is so only once."""
    if config.source not in ("kaggle", "demo"):
        return config.source
    shared = work.run("galaxies")
    download(config, shared)
    return str(shared.raw)


def check_names(entries: list[Entry]) -> None:
    for number, entry in enumerate(entries):
        if entry.work in [other.work for other in entries[:number]]:
            raise PipelineError(f'--models has "{entry.name}" twice.')


def check_galaxies(entries: list[Entry], solutions: Path | None) -> None:
    """Refuses models that would not be scored on the same galaxies."""
    first, *others = entries
    wanted = scored_ids(first.config, first.work, solutions)
    for entry in others:
        ids = scored_ids(entry.config, entry.work, solutions)
        if not np.array_equal(ids, wanted):
            raise PipelineError(
                f"{first.name} would be scored on {len(wanted)} galaxies and "
                f"{entry.name} on {len(ids)} which are not the same. Give all models "
                "the same train.validation_fraction, or --solutions."
            )
    log.info("benchmark: scored on %d galaxies", len(wanted))


def run_entry(
    entry: Entry, minutes: float | None, solutions: Path | None, force: bool
) -> list[Entry]:
    """Trains and scores a model; returns it as it was trained, or nothing.

    What went wrong is in the log.
    """
    with locked(entry.work.lock, str(entry.work.root)):
        if minutes is not None:
            run = entry.config, entry.work, minutes
            if to_do(artifacts.pace(*run), force) and not in_own_process(
                entry.name, choose_stretch, *run
            ):
                return []
            entry = with_stretch(entry, artifacts.pace(*run).result["stretch"])
        remember(entry.config, entry.typed, entry.work)
        run = entry.config, entry.work, solutions
        if to_do(artifacts.scored(*run), force) and not in_own_process(
            entry.name, train_and_score, *run, force
        ):
            return []
    return [entry]


def to_do(artifact: Artifact, force: bool) -> bool:
    return force or artifact.state != "done"


def choose_stretch(config: Config, work: WorkDir, minutes: float) -> None:
    """Times some steps of each kind of network and keeps how far the epochs stretch.

    Reads   shards/train/, raw/ (solutions)
    Writes  pace/receipt.json  "seconds_per_epoch" of the run's own networks and of each
                               partner's, "stretch" of them all
    """
    from pipeline.backend import start_keras

    start_keras()
    from pipeline.fitting import Training
    from pipeline.pace import seconds_per_epoch

    members = config.stretched(1.0).members()
    with making(artifacts.pace(config, work, minutes)) as result:
        data = load_training_set(config, work)
        kinds = {member.partner: member.train for member in members}
        seconds = {
            partner: seconds_per_epoch(Training(train, data))
            for partner, train in kinds.items()
        }
        stretch = stretch_within(60 * minutes, members, seconds)
        result |= {"seconds_per_epoch": seconds, "stretch": stretch}
    planned = config.stretched(stretch).members()
    epochs = {member.partner: member.train.epochs for member in planned}
    log.info(
        "%d to train, %s: about %.1f minutes",
        len(planned),
        ", ".join(f"{epochs[key]} epochs of {seconds[key]:.1f} s" for key in epochs),
        total_seconds(planned, seconds) / 60,
    )


def stretch_within(
    seconds: float, members: list[Member], per_epoch: dict[str, float]
) -> float:
    """How many times their epochs take so many seconds."""
    return seconds / total_seconds(members, per_epoch)


def total_seconds(members: list[Member], per_epoch: dict[str, float]) -> float:
    """What their training takes, by the seconds of an epoch of each partner's."""
    return sum(member.train.epochs * per_epoch[member.partner] for member in members)


def train_and_score(
    config: Config, work: WorkDir, solutions: Path | None, force: bool
) -> None:
    train(config, work, force)
    score_galaxies(config, work, solutions, force)


def compare(entries: list[Entry], solutions: Path | None) -> list[Row]:
    """A row for the column means and one for each model, beside the first model."""
    if not entries:
        return []
    first = load_scored(entries[0].config, entries[0].work, solutions)
    means = column_means(artifacts.members(entries[0].config, entries[0].work))
    constant = np.tile(means, (len(first.ids), 1))
    rows = [make_row(CONSTANT, constant, first.fractions, first.targets)]
    for entry in entries:
        found = load_scored(entry.config, entry.work, solutions)
        effort = effort_of(entry, solutions)
        rows.append(
            make_row(
                entry.name, found.fractions, first.fractions, found.targets, effort
            )
        )
    return rows


def effort_of(entry: Entry, solutions: Path | None) -> Effort:
    """What the receipts and histories say.

    The seconds are those of the epochs, which add up whatever interrupted them; a
    receipt knows only those since the last start.
    """
    members = artifacts.members(entry.config, entry.work)
    seconds, num_images = 0.0, 0
    for member in members:
        history = read_history(workdir.history_file(member.folder))
        seconds += sum(row["seconds"] for row in history)
        num_images += len(history) * member.result["num_train"]
    scored = artifacts.scored(entry.config, entry.work, solutions)
    return Effort(
        parameters=sum(member.result["parameters"] for member in members),
        multiply_adds=scored.result["multiply_adds"],
        seconds=seconds,
        epochs=tuple(member.train.epochs for member in entry.config.members()),
        images_per_second=num_images / max(seconds, 0.1),  # a history's last digit
        copies=entry.config.predict.num_copies,
    )


def write_table(rows: list[Row], work: WorkDir) -> None:
    if not rows:
        return
    with workdir.atomic(work.benchmark("md")) as partial:
        partial.write_text(describe(rows) + "\n", encoding="utf-8")
    workdir.write_json(work.benchmark("json"), as_data(rows))
