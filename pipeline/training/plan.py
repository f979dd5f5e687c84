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
    side_by_side,
)
from pipeline.settings.schema import Settings
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
        paces = {section: pace_as_set(run, section) for section in run.settings.kinds}
        plan = plan_within(run.seconds_left, paces, run.settings, at_once)
        made.result |= {
            "plan": plan.chosen,
            "at_once": at_once,
            "paces": {section: pace._asdict() for section, pace in paces.items()},
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


def pace_as_set(run: Run, section: str) -> Pace:
    """Of a network that has the cores set for it, beside others where they fit."""
    threads = run.settings.train.threads
    if not threads:
        return pace_here(run, section)
    tasks = [(run, section)] * num_at_once(threads)
    slowest = max(run_side_by_side(pace_here, tasks, threads))
    # predictions have all cores
    return slowest._replace(view=pace_here(run, section).view)


def pace_here(run: Run, section: str) -> Pace:
    """Of the first network of a kind, which has this process for itself."""
    member = next(member for member in run.members if member.section == section)
    from pipeline.settings.backend import start_keras

    start_keras(member.config.seed, member.config.deterministic)
    from pipeline.training.pace import measure_pace

    return measure_pace(run, member)


def spoken_plan(settings: Settings) -> str:
    """How many networks of how many epochs there are, and views."""
    networks = [
        counted(kind.num_seeds * kind.num_folds, "network")
        + " of "
        + counted(kind.epochs, "epoch")
        for kind in settings.kinds.values()
    ]
    views = counted(settings.predict.num_views, "view")
    return ", ".join((" and ".join(networks), views))


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
    # plans of earlier versions were of one kind of network
    paces = planned.get("paces") or {"train": planned["pace"]}
    pace = paces[run.members[number].section]
    trainings = [
        paces[member.section]["beside"]
        + member.config.epochs * paces[member.section]["epoch"]
        for member in run.members
    ]
    queues = side_by_side(trainings, planned.get("at_once", 1))
    (queue,) = [queue for queue in queues if number in queue]
    later = sum(trainings[other] for other in queue[queue.index(number) + 1 :])

    def told(epochs: Epochs, history: History) -> int:
        seconds = seconds_lately(history, pace)
        slower = seconds / pace["epoch"]
        after = planned["prediction_seconds"] * max(1.0, slower)
        available = run.seconds_left - after - report_seconds(run.settings)
        done = len(history)
        return epochs_in_time(epochs.total, done, seconds, available, later * slower)

    return told


def seconds_lately(history: History, pace: Mapping[str, float]) -> float:
    """What an epoch takes by now; the first one has a start to make as well."""
    if not history:
        return pace["epoch"]
    first, *others = [record["seconds"] for record in history]
    lately = others[-2:] or [max(pace["epoch"], first - pace["beside"])]
    return sum(lately) / len(lately)
