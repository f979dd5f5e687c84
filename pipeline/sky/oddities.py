"""The light of what makes a galaxy odd, and the shadow of dust."""

import math

import numpy as np

from pipeline.sky.disk import disk_flatness
from pipeline.sky.population import Galaxy
from pipeline.sky.shapes import (
    DISK,
    KNOT,
    OLD_YELLOW,
    YOUNG,
    ellipse,
    in_plane,
    rotate,
    sersic,
    tint,
)

DUST = np.array([0.6, 0.9, 1.3], np.float32)  # blue light is lost first


def disturb(
    galaxy: Galaxy, u: np.ndarray, v: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Bends the coordinates, so that what is drawn on them comes out bent."""
    bend = 0.32 * galaxy.disturbance + 0.25 * galaxy.irregularity
    if bend == 0:
        return u, v
    first, second = rng.uniform(0, 2 * np.pi, 2).tolist()
    # no shift at the centre, which stays the centre of the picture
    du = bend * (np.sin(1.3 * v + first) - math.sin(first))
    dv = bend * (np.sin(1.3 * u + second) - math.sin(second))
    return u + du, v + dv


def dust_lane(galaxy: Galaxy, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """What a dark band along the galaxy lets through: (3, n, n)."""
    depth = np.exp(-0.5 * ((v - 0.1 * disk_flatness(galaxy)) / 0.07) ** 2 - 0.3 * u**2)
    return np.exp(tint(-2.6 * galaxy.dust * depth, DUST))


def companion_light(
    galaxy: Galaxy, u: np.ndarray, v: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A second galaxy close by, and the stars pulled out between them: (3, n, n)."""
    distance = rng.uniform(0.9, 1.9)
    way = rng.uniform(0, 2 * np.pi)
    size = rng.uniform(0.35, 0.8)
    du, dv = u - distance * math.cos(way), v - distance * math.sin(way)
    du, dv = rotate(du, dv, rng.uniform(0, 180))
    radius = ellipse(du, dv, rng.uniform(0.35, 0.95)) / size
    body = sersic(np.sqrt(radius**2 + 0.004), rng.uniform(1, 2.2)) / size
    tail = stream(u, v, rng)
    old = rng.random()
    colour = old * OLD_YELLOW + (1 - old) * YOUNG
    return galaxy.companion * tint(rng.uniform(0.5, 0.9) * body + 0.05 * tail, colour)


def stream_light(
    galaxy: Galaxy, u: np.ndarray, v: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Stars torn out of a disturbed galaxy: (3, n, n)."""
    return galaxy.disturbance * tint(0.11 * stream(u, v, rng), DISK)


def stream(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One wide, open curve around the centre: (n, n)."""
    disk = in_plane(u, v * float(rng.choice((-1, 1))))
    phase = disk.theta - 1.2 * disk.log_radius + rng.uniform(0, 2 * np.pi)
    return np.exp(5 * (np.cos(phase) - 1) - 0.5 * (disk.radius - 1.5) ** 2)


def arc_light(
    galaxy: Galaxy, u: np.ndarray, v: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A thin blue arc about the centre, and its fainter counter-image: (3, n, n)."""
    disk = in_plane(u, v)
    angle = disk.theta - rng.uniform(0, 2 * np.pi)
    thin = np.exp(-0.5 * ((disk.radius - rng.uniform(1.5, 2.0)) / 0.09) ** 2)
    arc = np.exp(2.5 * (np.cos(angle) - 1)) + 0.7 * np.exp(8 * (-np.cos(angle) - 1))
    return 0.3 * galaxy.arc * tint(thin * arc, KNOT)


def blob_light(
    galaxy: Galaxy, u: np.ndarray, v: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A spot of green, blue or violet beside the centre: (3, n, n)."""
    way, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.3)
    du, dv = u - distance * math.cos(way), v - distance * math.sin(way)
    spot = np.exp(-0.5 * (du**2 + dv**2) / rng.uniform(0.12, 0.28) ** 2)
    colours = ((0.5, 1.4, 0.7), (0.4, 0.8, 1.8), (1.3, 0.6, 1.4))
    return 0.45 * galaxy.blob * tint(spot, colours[rng.choice(3)])
