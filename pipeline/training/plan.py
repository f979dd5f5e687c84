"""What a run does with its minutes: planned once, and looked at after each epoch."""

import logging
from collections.abc import Callable, Mapping

from pipeline.machine import num_at_once
from pipeline.output import counted, duration
from pipeline.parallel import run_side_by_side
from pipeline.runs.graph import Run
from pipeline.runs.receipts import making, require
from pipeline.settings.epochs import Epochs
from pipeline.settings.planning import (
    Pace,
    epochs_in_time,
    plan_within,
    report_seconds,
    rounds,
)
from pipeline.settings.schema import Settings, num_networks
from pipeline.training.history import History

# told the epochs and the finished ones, says for how many in all there is time
Affordable = Callable[[Epochs, History], int]

log = logging.getLogger(__name__)


def make_plan(run: Run) -> None:
    """Times a few steps and views, and decides what to do with the minutes."""
    for part in (run.raw, *run.plan.inputs):
        require(part)
    at_once = num_at_once(run.settings.train.threads)
    with making(run.plan) as made:
        pace = pace_as_set(run)
        plan = plan_within(run.seconds_left, pace, run.settings, at_once)
        made.result |= {
            "plan": plan.chosen,
            "at_once": at_once,
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


def pace_as_set(run: Run) -> Pace:
    """Of a network that has the cores set for it, beside others where they fit."""
    threads = run.settings.train.threads
    if not threads:
        return pace_here(run)
    tasks = [(run,)] * num_at_once(threads)
    slowest = max(run_side_by_side(pace_here, tasks, threads))
    return slowest._replace(view=pace_here(run).view)  # predictions have all cores


def pace_here(run: Run) -> Pace:
    """Of a network that has this process for itself."""
    member = run.members[0]
    from pipeline.settings.backend import start_keras

    start_keras(member.config.seed, member.config.deterministic)
    from pipeline.training.pace import measure_pace

    return measure_pace(run, member)


def spoken_plan(settings: Settings) -> str:
    parts = (
        (num_networks(settings), "network"),
        (settings.train.epochs, "epoch"),
        (settings.predict.num_views, "view"),
    )
    return ", ".join(counted(number, what) for number, what in parts)


def all_planned(epochs: Epochs, history: History) -> int:
    """There is time for all."""
    return epochs.total


def affordable(run: Run, number: int) -> Affordable:
    """Tells, between epochs, for how many in all there is time left.

    Args:
        run: for all that it has settings for, where it has no plan.
        number: the network's, counted from 0.
    """
    if run.plan is None:
        return all_planned
    planned = run.plan.result
    pace, at_once = planned["pace"], planned.get("at_once", 1)
    num_later = rounds(len(run.members), at_once) - 1 - number // at_once

    def told(epochs: Epochs, history: History) -> int:
        seconds = seconds_lately(history, pace)
        slower = max(1.0, seconds / pace["epoch"])
        later = num_later * (planned["plan"]["epochs"] * seconds + pace["beside"])
        after = planned["prediction_seconds"] * slower + report_seconds(run.settings)
        available = run.seconds_left - after
        return epochs_in_time(epochs.total, len(history), seconds, available, later)

    return told


def seconds_lately(history: History, pace: Mapping[str, float]) -> float:
    """What an epoch takes by now; the first one has a start to make as well."""
    if not history:
        return pace["epoch"]
    first, *others = [record["seconds"] for record in history]
    lately = others[-2:] or [max(pace["epoch"], first - pace["beside"])]
    return sum(lately) / len(lately)
