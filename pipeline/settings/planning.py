"""What fits into so many minutes: epochs, networks and views, by a stated rule."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import NamedTuple

from pipeline.errors import Misuse
from pipeline.settings.schema import Settings, with_plan

SPARE = 0.04  # of the time, for what takes longer than it was measured
VIEWS_SHARE = 0.25  # of the time, at most, for the views of one network
MOST_EPOCHS = 3  # times those of the settings, in one network
ENOUGH = 2 / 3  # of those of the settings, where it has as many networks
PLENTY = 2  # times those, where it has more networks
MOST_SEEDS = 5  # unless more are asked for; they have little to add
EXPORT_SECONDS, REPORT_SECONDS = 5.0, 30.0  # what comes after the predictions


class Pace(NamedTuple):
    """What one network takes on this machine, in seconds.

    Attributes:
        epoch: an epoch, its scoring included.
        view: one view of all galaxies that are predicted.
        beside: of a network, what goes neither into epochs nor into views.
    """

    epoch: float
    view: float
    beside: float


Paces = Mapping[str, Pace]  # of each kind of network, by the section of its settings


@dataclass(frozen=True)
class Plan:
    """What a run does with its time.

    Attributes:
        epochs: of each network of a kind, by the section of its settings.
        num_seeds: networks of each kind for each fold; 0: none.
        num_rotations: of the views.
        num_zooms: of the views.
        training_seconds: what all networks are expected to take.
        prediction_seconds: the same, in all views.
    """

    epochs: dict[str, int]
    num_seeds: dict[str, int]
    num_rotations: int
    num_zooms: int
    training_seconds: float
    prediction_seconds: float

    @property
    def chosen(self) -> dict[str, int]:
        """The settings that it decides, as `with_plan` takes them."""
        chosen = {"num_rotations": self.num_rotations, "num_zooms": self.num_zooms}
        for section, epochs in self.epochs.items():
            prefix = "" if section == "train" else f"{section}_"
            chosen[f"{prefix}epochs"] = epochs
            chosen[f"{prefix}num_seeds"] = self.num_seeds[section]
        return chosen


def plan_within(
    seconds: float, paces: Paces, settings: Settings, at_once: int = 1
) -> Plan:
    """The plan for so many seconds from now on.

    Views first: as many of those asked for as one network predicts in a quarter of the
    time, else a half, a quarter and so on of them. Then networks: as many as are asked
    for if each can have two thirds of the epochs asked for, else fewer, at last one of
    the first kind; more than are asked for if each can have twice those epochs. Then
    epochs: as many as there is time for, up to three times those asked for, the same
    part of them for each kind.

    Args:
        seconds: for all that is to come.
        paces: of networks that are trained as they will be, beside others or alone.
        settings: what is asked for.
        at_once: how many networks are trained side by side.

    Raises:
        Misuse: the least there is takes longer.
    """
    usable = seconds * (1 - SPARE) - report_seconds(settings)
    slowest = max(pace.view for pace in paces.values())
    for rotations, zooms in fewer_views(settings):
        views = with_plan(settings, num_rotations=rotations, num_zooms=zooms)
        num_views = views.predict.num_views
        if num_views * slowest <= VIEWS_SHARE * usable:
            break

    def times(num_seeds: dict[str, int], epochs: int) -> tuple[float, float]:
        """Of all trainings, with so many epochs of the first kind, and predictions."""
        numbers = {
            section: number * settings.train.num_folds
            for section, number in num_seeds.items()
        }
        by_kind = epochs_by_kind(settings, epochs)
        trainings = [
            paces[section].beside + by_kind[section] * paces[section].epoch
            for section, number in numbers.items()
            for _ in range(number)
        ]
        prediction = sum(numbers[section] * paces[section].view for section in numbers)
        return seconds_side_by_side(trainings, at_once), num_views * prediction

    def affordable(num_seeds: dict[str, int]) -> int:
        """For how many epochs of the first kind there is time."""
        every = range(1, MOST_EPOCHS * settings.train.epochs + 1)
        return bisect_right(every, usable, key=lambda some: sum(times(num_seeds, some)))

    least = least_epochs(settings)
    choices = [*fewer_networks(settings)]
    num_seeds = next(
        (
            choice
            for choice in choices
            if affordable(choice) >= max(least, epochs_worth(choice, settings))
        ),
        choices[-1],
    )
    epochs = affordable(num_seeds)
    training, prediction = times(num_seeds, max(least, epochs))
    if epochs < least:
        needed = training + prediction + report_seconds(settings)
        raise too_short(settings, seconds, needed / (1 - SPARE))
    by_kind = epochs_by_kind(settings, epochs)
    return Plan(by_kind, num_seeds, rotations, zooms, training, prediction)


def fewer_networks(settings: Settings) -> Iterator[dict[str, int]]:
    """Numbers of networks of each kind, from the most to one of the first kind."""
    asked = {section: kind.num_seeds for section, kind in settings.kinds.items()}
    most = max(asked.values())
    for number in range(max(MOST_SEEDS, most), 0, -1):
        more = max(0, number - most)
        yield {section: min(own + more, number) for section, own in asked.items()}
    if len(asked) > 1:
        yield dict.fromkeys(asked, 0) | {"train": 1}


def epochs_by_kind(settings: Settings, epochs: int) -> dict[str, int]:
    """The epochs of each kind, where the first has so many: the same part for all."""
    planned = settings.train.epochs
    return {
        section: max(least_epochs(settings), epochs * kind.epochs // planned)
        for section, kind in settings.kinds.items()
    } | {"train": epochs}


def epochs_worth(num_seeds: dict[str, int], settings: Settings) -> float:
    """The epochs that each of so many networks must have, to be preferred to fewer."""
    part = ENOUGH if num_seeds["train"] <= settings.train.num_seeds else PLENTY
    return part * settings.train.epochs


def side_by_side(seconds: Sequence[float], at_once: int) -> list[list[int]]:
    """Which trainings come one after the other, where several are side by side.

    Args:
        seconds: what each takes; they begin in this order, as soon as there is room.
        at_once: how many there is room for.
    """
    queues: list[list[int]] = [[] for _ in range(at_once)]
    ends = [0.0] * at_once
    for number, own in enumerate(seconds):
        first = ends.index(min(ends))
        queues[first].append(number)
        ends[first] += own
    return queues


def seconds_side_by_side(seconds: Sequence[float], at_once: int) -> float:
    """What all trainings take together."""
    queues = side_by_side(seconds, at_once)
    return max(sum(seconds[number] for number in queue) for queue in queues)


def rounds(number: int, at_once: int) -> int:
    """How many equal trainings come one after the other."""
    return ceil(number / at_once)


def report_seconds(settings: Settings) -> float:
    """What comes after the predictions."""
    return EXPORT_SECONDS + REPORT_SECONDS * settings.report.make


def least_epochs(settings: Settings) -> int:
    """Two where galaxies are reweighted after a part of them, else one."""
    return 1 + settings.train.reweight


def fewer_views(settings: Settings) -> Iterator[tuple[int, int]]:
    """Rotations and zooms: those asked for, then one zoom, then half the rotations."""
    rotations, zooms = settings.predict.num_rotations, settings.predict.num_zooms
    yield rotations, zooms
    if zooms > 1:
        yield rotations, 1
    while rotations > 1:
        rotations //= 2
        yield rotations, 1


def too_short(settings: Settings, seconds: float, needed: float) -> Misuse:
    spent = settings.minutes * 60 - seconds
    return Misuse(
        f"minutes={settings.minutes:g} is too short: with the least epochs and views "
        f"this run takes about {(spent + needed) / 60:.1f} minutes on this machine. "
        "Raise it, or leave it out with --unset minutes."
    )


def epochs_in_time(
    epochs: int, done: int, pace: float, available: float, later: float
) -> int:
    """For how many epochs in all there is time: those planned, or fewer.

    Args:
        epochs: of this network, as planned by now.
        done: those that are over.
        pace: seconds for an epoch.
        available: seconds for this and all later networks.
        later: seconds that these need, as planned; they are shortened by the same part.
    """
    needed = (epochs - done) * pace + later
    if needed <= available:
        return epochs
    return done + floor((epochs - done) * max(0.0, available) / needed)
