"""How volunteers would answer the questions about a made-up galaxy.

The numbers in here are tuned so that, over the population, each answer is about as
frequent as in the real labels.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.data.tree import NUM_ANSWERS, answer_slice, from_top, parent_column
from pipeline.sky.population import MOST_ARMS, Galaxy

UNIT = 10**9  # labels are printed with nine decimals


@dataclass(frozen=True)
class Sight:
    """What is left to see of a galaxy once it is tilted and blurred, in [0, 1]."""

    clarity: float  # of small details
    edge_on: float
    bar: float
    arms: float
    clumps: float
    ring: float


def look_at(galaxy: Galaxy) -> Sight:
    """What tilt and blur leave of the galaxy's details."""
    sharpness = galaxy.radius / (10.7 * galaxy.pixel)  # about 1 for most
    light = galaxy.brightness / 0.29
    clarity = 1 / (1 + 0.45 * sharpness**-1.6 * light**-0.5)
    disk = 1 - galaxy.bulge
    edge_on = sigmoid((galaxy.inclination - 75) / 3.5) * sigmoid((disk - 0.25) / 0.06)
    face = clarity * sigmoid((72 - galaxy.inclination) / 5)
    return Sight(
        clarity=clarity,
        edge_on=edge_on,
        bar=galaxy.bar * face,
        arms=galaxy.arms * face * min(1, 1.6 * disk),
        clumps=galaxy.clumps * face * disk,
        ring=galaxy.ring * face,
    )


def vote_shares(galaxy: Galaxy) -> np.ndarray:
    """The chance of each answer, given by a volunteer whom its question reaches.

    Returns:
        (37,) float64, each question's answers summing to 1.
    """
    sight = look_at(galaxy)
    answers = (
        smooth_or_features(galaxy, sight),
        yes_or_no(sigmoid(5.2 * sight.edge_on - 3.4)),
        yes_or_no(sigmoid(7 * sight.bar - 2.4)),
        yes_or_no(sigmoid(8.5 * sight.arms - 1.7)),
        steps(galaxy.bulge, (0.01, 0.30, 0.90), 0.075),
        yes_or_no(odd(galaxy, sight)),
        steps(-apparent_axis_ratio(galaxy), (-0.79, -0.39), 0.065),
        what_is_odd(galaxy, sight),
        edge_on_bulge(galaxy),
        steps(galaxy.pitch, (16.5, 29), 3.5),
        arm_number(galaxy, sight),
    )
    return np.concatenate(answers)


def smooth_or_features(galaxy: Galaxy, sight: Sight) -> np.ndarray:
    """Question 1: (3,)."""
    star = {"galaxy": 0.02, "star": 0.40, "artifact": 0.40}[galaxy.kind]
    details = (
        3.8 * sight.arms
        + 2.0 * sight.bar
        + 2.5 * sight.ring
        + 2.0 * sight.clumps
        + 2.6 * sight.edge_on
        + 2.5 * galaxy.irregularity
        + 1.5 * galaxy.disturbance
        + 1.0 * galaxy.dust
        + 0.8 * galaxy.companion
    )
    features = (1 - star) * sigmoid(details - 1.0 + 1.1 * (0.5 - galaxy.bulge))
    return np.array([1 - star - features, features, star])


def oddities(galaxy: Galaxy, sight: Sight) -> np.ndarray:
    """How much each answer of question 8 catches the eye: (7,) in [0, 1]."""
    return np.array(
        [
            sight.ring,
            galaxy.arc,
            galaxy.disturbance,
            galaxy.irregularity,
            galaxy.blob,
            galaxy.companion,
            galaxy.dust,
        ]
    )


def odd(galaxy: Galaxy, sight: Sight) -> float:
    """The chance that a volunteer finds the galaxy odd."""
    if galaxy.kind != "galaxy":
        return 0.5
    weights = (0.85, 0.5, 0.5, 0.75, 0.55, 0.9, 0.4)
    return 1 - 0.90 * float(np.prod(1 - weights * oddities(galaxy, sight)))


def what_is_odd(galaxy: Galaxy, sight: Sight) -> np.ndarray:
    """Question 8: (7,). Without a visible reason, the vaguer answers are given."""
    vague = np.array([0.03, 0.02, 0.05, 0.05, 0.10, 0.03, 0.005])
    weights = vague + oddities(galaxy, sight) ** 2
    return weights / weights.sum()


def apparent_axis_ratio(galaxy: Galaxy) -> float:
    """Short over long axis, as blurred by the air."""
    disk = max(np.cos(np.radians(galaxy.inclination)), 0.14)
    ratio = galaxy.bulge * galaxy.axis_ratio + (1 - galaxy.bulge) * disk
    blur = 1.6 * galaxy.pixel / galaxy.radius
    return float(np.hypot(ratio, blur) / np.hypot(1, blur))


def edge_on_bulge(galaxy: Galaxy) -> np.ndarray:
    """Question 9: rounded, boxy, none: (3,)."""
    some = sigmoid((galaxy.bulge - 0.16) / 0.06)
    boxy = 0.05 + 0.4 * galaxy.boxiness
    return np.array([some * (1 - boxy), some * boxy, 1 - some])


def arm_number(galaxy: Galaxy, sight: Sight) -> np.ndarray:
    """Question 11: (6,), the last being "can't tell"."""
    counted = sigmoid(2.25 - 3.6 * galaxy.raggedness + 2.0 * (sight.arms - 0.4))
    column = min(galaxy.num_arms, 5) - 1
    shares = 0.03 * np.exp(-np.abs(np.arange(5) - column))
    shares[1] += 0.06  # the usual guess
    shares[column] += 0.9 if galaxy.num_arms < MOST_ARMS else 0.6
    return np.append(counted * shares / shares.sum(), 1 - counted)


def yes_or_no(yes: float) -> np.ndarray:
    """A question with two answers: (2,)."""
    return np.array([yes, 1 - yes])


def steps(value: float, thresholds: tuple[float, ...], width: float) -> np.ndarray:
    """Ordered answers, each given between two blurred thresholds."""
    above = sigmoid((value - np.array(thresholds)) / width)
    return -np.diff(above, prepend=1.0, append=0.0)


def sigmoid(value: float | np.ndarray) -> float | np.ndarray:
    return 1 / (1 + np.exp(-value))


def simulate_votes(
    shares: np.ndarray, num_volunteers: int, rng: np.random.Generator
) -> np.ndarray:
    """Sends volunteers down the tree and counts their answers.

    The sums hold to the last printed digit, since billionths are handed down whole.

    Args:
        shares: (37,) chance of each answer for those whom its question reaches.
        num_volunteers: how many start.
        rng: decides what they say.

    Returns:
        (37,) float64 fractions that obey the tree, rounded to nine decimals.
    """
    votes = np.zeros(NUM_ANSWERS, np.int64)
    billionths = np.zeros(NUM_ANSWERS, np.int64)
    for question in from_top():
        parent, answers = parent_column(question), answer_slice(question)
        reached = num_volunteers if parent is None else votes[parent]
        whole = UNIT if parent is None else billionths[parent]
        votes[answers] = rng.multinomial(reached, shares[answers])
        billionths[answers] = hand_down(votes[answers], whole)
    return billionths / UNIT


def hand_down(votes: np.ndarray, whole: int) -> np.ndarray:
    """Splits an integer as the votes are split; the favourite gets the rest."""
    parts = votes * whole // max(votes.sum(), 1)
    parts[votes.argmax()] += whole - parts.sum()
    return parts
