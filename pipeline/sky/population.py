"""What a made-up galaxy is, and how galaxies are drawn from a population."""

import math
from dataclasses import dataclass, replace

import numpy as np

MOST_ARMS = 6  # stands for "more than 4"


@dataclass(frozen=True)
class Galaxy:
    """All that decides the look of a galaxy and the votes on it.

    Strengths run from 0, absent, to 1, as strong as it gets. Lengths are in pixels of
    the picture, angles in degrees.
    """

    # How it is seen.
    pixel: float  # side of a camera pixel: a far galaxy is enlarged, hence blurred
    brightness: float  # of the centre, where 1 is white
    kind: str = "galaxy"  # or "star", or "artifact"

    # Its body.
    radius: float = 42.0  # holds half of the light
    angle: float = 0.0  # of the long axis against the picture's rows
    redness: float = 0.5  # of the old stars
    bulge: float = 1.0  # its share of the light; 1 is an elliptical without a disk
    bulge_size: float = 1.0  # radius of the bulge over that of the galaxy
    concentration: float = 3.0  # Sersic index of the bulge
    axis_ratio: float = 1.0  # of the bulge: short over long axis
    boxiness: float = 0.0  # of the bulge
    inclination: float = 0.0  # of the disk: 0 is face-on, 90 is edge-on

    # What its disk shows.
    bar: float = 0.0
    arms: float = 0.0
    num_arms: int = 2  # MOST_ARMS means many
    pitch: float = 18.0  # small is tightly wound
    raggedness: float = 0.0  # of the arms: broken ones cannot be counted
    clumps: float = 0.0  # bright knots of young stars
    youth: float = 0.5  # how blue the disk is

    # What is odd about it.
    ring: float = 0.0
    arc: float = 0.0  # the image of a far galaxy, bent by gravity
    disturbance: float = 0.0
    irregularity: float = 0.0
    blob: float = 0.0  # a thing of odd colour beside the centre
    companion: float = 0.0  # a second galaxy that merges with this one
    dust: float = 0.0  # a dark lane


def draw_galaxy(rng: np.random.Generator) -> Galaxy:
    """Draws a galaxy, or now and then a star or an artifact."""
    draws = (draw_elliptical, draw_disk, draw_irregular, draw_not_a_galaxy)
    draw = draws[rng.choice(len(draws), p=(0.375, 0.565, 0.045, 0.015))]
    return draw(rng)


def draw_sight(rng: np.random.Generator) -> dict[str, float]:
    """How far, bright, large and turned: the same for galaxies of every kind."""
    return {
        "pixel": log_normal(rng, 4.0, 0.34, 1.6, 7.5),
        "brightness": log_normal(rng, 0.30, 0.32, 0.12, 0.7),
        "radius": log_normal(rng, 45.0, 0.20, 28.0, 76.0),
        "angle": rng.uniform(0, 180),
    }


def draw_elliptical(rng: np.random.Generator) -> Galaxy:
    """A smooth galaxy of any roundness; some hide a weak disk."""
    # three groups, as volunteers see them: round, in between, cigar-shaped
    group = rng.choice(3, p=(0.47, 0.42, 0.11))
    low, high = ((0.84, 1.0), (0.46, 0.84), (0.2, 0.42))[group]
    galaxy = Galaxy(
        **draw_sight(rng),
        redness=rng.uniform(0.35, 1.0),
        bulge=1 - 0.45 * rng.beta(1.0, 2.0),
        concentration=rng.uniform(1.1, 2.6),
        axis_ratio=rng.uniform(low, high),
        boxiness=0.3 * rng.random(),
        inclination=math.degrees(math.acos(0.85 * low)),
        youth=rng.uniform(0.0, 0.4),
    )
    return add_oddities(galaxy, rng, chance=0.8)


def draw_disk(rng: np.random.Generator) -> Galaxy:
    """A disk at any tilt, with or without bulge, bar and arms."""
    bulge = 0.02 + 0.7 * rng.beta(1.2, 1.9)
    has_arms = rng.random() < 0.74
    num_arms = rng.choice((1, 2, 3, 4, MOST_ARMS), p=(0.09, 0.61, 0.14, 0.07, 0.09))
    galaxy = Galaxy(
        **draw_sight(rng),
        redness=rng.uniform(0.2, 0.9),
        bulge=bulge,
        bulge_size=rng.uniform(0.2, 0.35) + 0.25 * bulge,
        concentration=rng.uniform(1.0, 2.5),
        axis_ratio=rng.uniform(0.6, 0.95),
        boxiness=rng.uniform(0.5, 1.0) if rng.random() < 0.35 else 0.0,
        inclination=math.degrees(math.acos(0.96 * rng.random())),
        bar=some(rng, 0.42, 0.25, 1.0),
        arms=rng.uniform(0.3, 1.0) if has_arms else 0.0,
        num_arms=int(num_arms),
        # strong bulges go with tight arms
        pitch=log_normal(rng, 20.0 - 8.0 * bulge, 0.5, 6.0, 50.0),
        raggedness=rng.beta(0.8, 1.3),
        clumps=rng.beta(0.8, 2.0) * (0.4 + 0.6 * has_arms),
        youth=min(max(rng.normal(0.75 - 0.5 * bulge, 0.25), 0.0), 1.0),
    )
    return add_oddities(galaxy, rng, chance=1.0)


def draw_irregular(rng: np.random.Generator) -> Galaxy:
    """A blue and shapeless galaxy."""
    galaxy = Galaxy(
        **draw_sight(rng),
        redness=rng.uniform(0.0, 0.4),
        bulge=0.1 * rng.random(),
        bulge_size=0.3,
        concentration=1.0,
        axis_ratio=rng.uniform(0.5, 0.9),
        inclination=rng.uniform(0, 70),
        clumps=rng.uniform(0.2, 1.0),
        youth=rng.uniform(0.7, 1.0),
        irregularity=rng.uniform(0.45, 1.0),
    )
    return add_oddities(galaxy, rng, chance=0.5)


def draw_not_a_galaxy(rng: np.random.Generator) -> Galaxy:
    """A star, or a flaw of the picture."""
    kind = "star" if rng.random() < 0.6 else "artifact"
    return Galaxy(**draw_sight(rng), kind=kind, redness=rng.random())


def add_oddities(galaxy: Galaxy, rng: np.random.Generator, chance: float) -> Galaxy:
    """The galaxy with the oddities it happens to have; most have none.

    Args:
        galaxy: a plain one.
        rng: decides.
        chance: how readily this kind of galaxy is odd; 1 is usual.
    """
    tilted = galaxy.inclination > 60
    return replace(
        galaxy,
        ring=some(rng, chance * (0.02 if tilted else 0.17), 0.5, 1.0),
        arc=some(rng, 0.008, 0.5, 1.0),
        disturbance=some(rng, chance * 0.06, 0.3, 1.0),
        blob=some(rng, chance * 0.10, 0.4, 1.0),
        companion=some(rng, chance * 0.07, 0.4, 1.0),
        dust=some(rng, chance * (0.035 if tilted else 0.004), 0.4, 1.0),
    )


def some(rng: np.random.Generator, chance: float, low: float, high: float) -> float:
    """A uniform strength with this chance, else 0."""
    return rng.uniform(low, high) if rng.random() < chance else 0.0


def log_normal(
    rng: np.random.Generator, median: float, spread: float, low: float, high: float
) -> float:
    """A positive number within [low, high]; `spread` is relative."""
    return min(max(median * math.exp(spread * rng.normal()), low), high)
