"""Stage 3: the networks, one for each seed and fold."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.progress import counted, duration
from pipeline.runs.graph import Run
from pipeline.runs.paths import checkpoint_file
from pipeline.runs.receipts import is_up_to_date, making, require
from pipeline.settings.epochs import Epochs
from pipeline.settings.planning import epochs_in_time, plan_within, report_seconds
from pipeline.settings.schema import Settings, num_networks

if TYPE_CHECKING:
    from pipeline.training.fit import Affordable, History

log = logging.getLogger(__name__)


def train(run: Run, force: bool = False) -> None:
    """Fits a network to the volunteers' fractions, once for each seed and fold.

    Reads   shards/train/                  images
            raw/                           training_solutions_rev1
            shards/test/                   where train.reweight or minutes is set
    Writes  plan-<digest>/receipt.json     what the minutes are used for, if any
            models/<network>/model.keras   (B, S, S, 3) uint8 -> (B, 37) float32
            models/<network>/history.csv   a record of each epoch
            models/<network>/receipt.json  the best epoch and its RMSE
            models/<network>.partial/checkpoint.npz, while it lasts
    """
    if run.plan and not is_up_to_date(run.plan, False):
        make_plan(run)
    run = run.planned
    for number, member in enumerate(run.members):
        if not is_up_to_date(member, force):
            train_member(run, number, force)
        checkpoint_file(member.folder).unlink(missing_ok=True)


def make_plan(run: Run) -> None:
    """Times a few steps and views, and decides what to do with the minutes."""
    for part in (run.raw, *run.plan.inputs):
        require(part)
    member = run.members[0]
    from pipeline.settings.backend import start_keras

    start_keras(member.config.seed)
    from pipeline.training.pace import measure_pace

    with making(run.plan) as made:
        pace = measure_pace(run, member)
        plan = plan_within(run.seconds_left, pace, run.settings)
        made.result |= {
            "plan": plan.chosen,
            "pace": pace._asdict(),
            "training_seconds": plan.training_seconds,
            "prediction_seconds": plan.prediction_seconds,
        }
    log.info(
        "plan for %s: %s; training takes about %s, prediction %s",
        duration(60 * run.settings.minutes),
        spoken_plan(run.planned.settings),
        duration(plan.training_seconds),
        duration(plan.prediction_seconds),
    )


def spoken_plan(settings: Settings) -> str:
    parts = (
        (num_networks(settings), "network"),
        (settings.train.epochs, "epoch"),
        (settings.predict.num_views, "view"),
    )
    return ", ".join(counted(number, what) for number, what in parts)


def train_member(run: Run, number: int, force: bool) -> None:
    """Trains one of the run's networks, counted from 0."""
    member = run.members[number]
    title = f"{member.title} ({number + 1}/{len(run.members)})"
    for part in (run.raw, *member.inputs):
        require(part)
    from pipeline.settings.backend import start_keras

    start_keras(member.config.seed)
    from pipeline.training.fit import all_planned, fit_network
    from pipeline.training.training_set import load_training_set

    data = load_training_set(run, member)
    # a forced training starts over, any other resumes where it was interrupted
    with making(member, keep=not force) as made:
        made.result["start_weights"] = member.config.weights
        made.result |= fit_network(
            member.config,
            data,
            made.folder,
            member.recipe,
            title,
            affordable(run, len(run.members) - number - 1) if run.plan else all_planned,
        )
    result = made.result
    log.info(
        "%s: best epoch RMSE %.4f ± %.4f on %d validation galaxies",
        title,
        result["epoch_rmse"],
        result["epoch_standard_error"],
        result["num_validation"],
    )


def affordable(run: Run, num_later: int) -> "Affordable":
    """Tells, between epochs, for how many in all there is time left.

    Args:
        run: with a plan.
        num_later: networks that are trained after this one.
    """
    planned = run.plan.result
    pace = planned["pace"]

    def told(epochs: Epochs, history: "History") -> int:
        seconds = seconds_lately(history, pace)
        slower = max(1.0, seconds / pace["epoch"])
        later = num_later * (planned["plan"]["epochs"] * seconds + pace["beside"])
        after = planned["prediction_seconds"] * slower + report_seconds(run.settings)
        available = run.seconds_left - after
        return epochs_in_time(epochs.total, len(history), seconds, available, later)

    return told


def seconds_lately(history: "History", pace: Mapping[str, float]) -> float:
    """What an epoch takes by now; the first one has a start to make as well."""
    if not history:
        return pace["epoch"]
    first, *others = [record["seconds"] for record in history]
    lately = others[-2:] or [max(pace["epoch"], first - pace["beside"])]
    return sum(lately) / len(lately)
