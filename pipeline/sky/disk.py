"""The light of a galaxy's disk: arms, bar, ring and knots."""

import math

import numpy as np

from pipeline.sky.population import MOST_ARMS, Galaxy
from pipeline.sky.shapes import DISK, KNOT, OLD_YELLOW, YOUNG, Disk, in_plane, tint

THINNEST = 0.13  # thickness of a disk over its width
HALF_LIGHT = 1.68  # half-light radius of an exponential disk, in scale lengths


def disk_light(
    galaxy: Galaxy,
    u: np.ndarray,
    v: np.ndarray,
    texture: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """An exponential disk with its bar, arms, ring and knots: (3, n, n)."""
    flatness = disk_flatness(galaxy)
    handedness = float(rng.choice((-1, 1)))
    disk = in_plane(u, handedness * v / flatness)
    smooth = np.exp(-HALF_LIGHT * disk.radius + 0.9 * galaxy.irregularity * texture)
    smooth *= (1 - galaxy.bulge) * HALF_LIGHT**2 / (2 * np.pi * flatness)
    young = young_light(galaxy, disk, smooth, texture, rng)
    smooth *= left_over(galaxy, disk)
    knots = knot_light(galaxy, smooth + 4 * young, rng)
    colour = galaxy.youth * YOUNG + (1 - galaxy.youth) * DISK
    light = tint(smooth, 0.5 * (DISK + colour))
    light += tint(young, colour) + tint(knots, KNOT)
    if galaxy.bar > 0:
        light += tint(bar_light(galaxy, disk, rng) / flatness, OLD_YELLOW)
    return light


def disk_flatness(galaxy: Galaxy) -> float:
    """Short over long axis of the tilted disk."""
    return math.hypot(math.cos(math.radians(galaxy.inclination)), THINNEST)


def young_light(
    galaxy: Galaxy,
    disk: Disk,
    smooth: np.ndarray,
    texture: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Young stars in arms and in a ring: (n, n)."""
    young = np.zeros_like(smooth)
    if galaxy.arms > 0:
        arms = arm_pattern(galaxy, disk, texture, rng) * beyond_the_bulge(disk)
        young += 3.2 * galaxy.arms * arms * smooth * np.exp(0.35 * disk.radius)
    if galaxy.ring > 0:
        place = rng.uniform(1.2, 1.8)
        ring = np.exp(-0.5 * ((disk.radius - place) / 0.16) ** 2)
        young += galaxy.ring * ring * (0.8 * smooth + 0.06 / disk_flatness(galaxy))
    return young


def left_over(galaxy: Galaxy, disk: Disk) -> np.ndarray:
    """The share of the smooth disk that bar, arms and ring have not swept up."""
    share = 1 - 0.5 * galaxy.bar * np.exp(-((disk.radius / 0.8) ** 4))
    if galaxy.arms > 0 or galaxy.ring > 0:
        swept = max(0.6 * galaxy.arms, 0.5 * galaxy.ring)
        share *= 1 - swept * beyond_the_bulge(disk)
    return share


def beyond_the_bulge(disk: Disk) -> np.ndarray:
    """0 at the centre, 1 where arms have begun: (n, n)."""
    return 1 / (1 + np.exp(-12 * (disk.radius - 0.45)))


def arm_pattern(
    galaxy: Galaxy, disk: Disk, texture: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Logarithmic spirals, 1 on the arms and 0 between: (n, n)."""
    turns = disk.log_radius / math.tan(math.radians(galaxy.pitch))
    count = galaxy.num_arms if galaxy.num_arms < MOST_ARMS else int(rng.integers(5, 8))
    phase = count * (disk.theta - turns) + rng.uniform(0, 2 * np.pi)
    phase += 1.5 * galaxy.raggedness * texture
    arms = np.exp((1.6 + 1.2 / count) * (np.cos(phase) - 1))
    if galaxy.raggedness > 0.3:
        # broken arms: pieces fade, and pieces of another pattern show up
        other = (count + 2) * (disk.theta - 0.8 * turns) - 2 * texture
        share = galaxy.raggedness - 0.3
        arms += share * (0.8 * np.exp(2.5 * (np.cos(other) - 1)) - 0.8 * arms)
        arms *= np.exp(0.7 * share * texture)
    return arms


def knot_light(
    galaxy: Galaxy, young: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Bright points scattered where young stars are: (n, n)."""
    if galaxy.clumps < 0.05:
        return np.zeros_like(young)
    places = np.cumsum(young.ravel(), dtype=np.float64)
    count = rng.poisson(50 * galaxy.clumps)
    chosen = np.searchsorted(places, rng.random(count) * places[-1])
    flux = rng.lognormal(0, 0.7, count) * (0.009 * galaxy.clumps)
    # the fluxes are those of points, and `young` is light per half-light radius squared
    flux *= (galaxy.radius / galaxy.pixel) ** 2 * (1 - galaxy.bulge)
    return np.bincount(chosen, flux, young.size).reshape(young.shape).astype("f4")


def bar_light(galaxy: Galaxy, disk: Disk, rng: np.random.Generator) -> np.ndarray:
    """A stubby rod of old stars across the centre: (n, n)."""
    along = disk.theta - rng.uniform(0, np.pi)
    length = rng.uniform(0.7, 1.0)
    u, v = disk.radius * np.cos(along), disk.radius * np.sin(along)
    radius = np.sqrt((u / length) ** 4 + (v / (0.23 * length)) ** 4)
    return 0.95 * galaxy.bar * (1 - 0.5 * galaxy.bulge) * np.exp(-radius)
