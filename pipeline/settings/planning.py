"""What fits into so many minutes: epochs, networks and views, by a stated rule."""

from collections.abc import Iterator
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


@dataclass(frozen=True)
class Plan:
    """What a run does with its time.

    Attributes:
        epochs: of each network.
        num_seeds: networks for each fold.
        num_rotations: of the views.
        num_zooms: of the views.
        training_seconds: what all networks are expected to take.
        prediction_seconds: the same, in all views.
    """

    epochs: int
    num_seeds: int
    num_rotations: int
    num_zooms: int
    training_seconds: float
    prediction_seconds: float

    @property
    def chosen(self) -> dict[str, int]:
        """The settings that it decides."""
        return {
            "epochs": self.epochs,
            "num_seeds": self.num_seeds,
            "num_rotations": self.num_rotations,
            "num_zooms": self.num_zooms,
        }


def plan_within(
    seconds: float, pace: Pace, settings: Settings, at_once: int = 1
) -> Plan:
    """The plan for so many seconds from now on.

    Views first: as many of those asked for as one network predicts in a quarter of the
    time, else a half, a quarter and so on of them. Then networks: as many as are asked
    for if each can have two thirds of the epochs asked for, else fewer; more than are
    asked for if each can have twice those epochs. Then epochs: as many as there is time
    for, up to three times those asked for.

    Args:
        seconds: for all that is to come.
        pace: of a network that is trained as it will be, beside others or alone.
        settings: what is asked for.
        at_once: how many networks are trained side by side.

    Raises:
        Misuse: the least there is takes longer.
    """
    usable = seconds * (1 - SPARE) - report_seconds(settings)
    for rotations, zooms in fewer_views(settings):
        views = with_plan(settings, num_rotations=rotations, num_zooms=zooms)
        num_views = views.predict.num_views
        if num_views * pace.view <= VIEWS_SHARE * usable:
            break
    most = MOST_EPOCHS * settings.train.epochs
    folds = settings.train.num_folds

    def affordable(num_seeds: int) -> int:
        number = num_seeds * folds
        training = usable - number * num_views * pace.view
        return floor((training / rounds(number, at_once) - pace.beside) / pace.epoch)

    least = least_epochs(settings)
    seeds = [
        number
        for number in range(1, max(MOST_SEEDS, settings.train.num_seeds) + 1)
        if affordable(number) >= max(least, epochs_worth(number, settings))
    ]
    num_seeds = max(seeds, default=1)
    epochs = min(most, affordable(num_seeds))
    number = num_seeds * folds
    training = rounds(number, at_once) * (pace.beside + max(least, epochs) * pace.epoch)
    prediction = number * num_views * pace.view
    if epochs < least:
        needed = training + prediction + report_seconds(settings)
        raise too_short(settings, seconds, needed / (1 - SPARE))
    return Plan(epochs, num_seeds, rotations, zooms, training, prediction)


def epochs_worth(num_seeds: int, settings: Settings) -> float:
    """The epochs that each of so many networks must have, to be preferred to fewer."""
    part = ENOUGH if num_seeds <= settings.train.num_seeds else PLENTY
    return part * settings.train.epochs


def rounds(number: int, at_once: int) -> int:
    """How many trainings come one after the other where several are side by side."""
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
