"""The light of a made-up galaxy's parts, as if seen without air or noise."""

import math
from dataclasses import dataclass

import numpy as np

from pipeline.sky.camera import enlarge
from pipeline.sky.population import MOST_ARMS, Galaxy

THINNEST = 0.13  # thickness of a disk over its width
HALF_LIGHT = 1.68  # of an exponential disk, in scale lengths
OLD_RED, OLD_YELLOW = np.array([[1.36, 1.00, 0.50], [1.18, 1.02, 0.78]], np.float32)
DISK = np.array([1.06, 1.01, 0.93], np.float32)
YOUNG = np.array([0.86, 0.97, 1.16], np.float32)
KNOT = np.array([0.75, 0.92, 1.35], np.float32)
DUST = np.array([0.6, 0.9, 1.3], np.float32)  # blue light is lost first


@dataclass(frozen=True)
class Disk:
    """Polar coordinates in the plane of a disk, radii in half-light radii: (n, n)."""

    radius: np.ndarray
    theta: np.ndarray
    log_radius: np.ndarray


def galaxy_light(
    galaxy: Galaxy, x: np.ndarray, y: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The galaxy's own light, in any unit.

    Args:
        galaxy: what to draw.
        x: (n, n) float32, picture pixels to the right of the galaxy.
        y: (n, n) float32, picture pixels below it.
        rng: decides what has no name: phases, the places of knots.

    Returns:
        (3, n, n) float32, the i, r and g bands.
    """
    u, v = rotate(x / galaxy.radius, y / galaxy.radius, galaxy.angle)
    texture = smooth_noise(len(x), rng)
    u, v = disturb(galaxy, u, v, rng)
    red = galaxy.redness
    light = tint(bulge_light(galaxy, u, v), red * OLD_RED + (1 - red) * OLD_YELLOW)
    if galaxy.bulge < 1:
        light += disk_light(galaxy, u, v, texture, rng)
    if galaxy.dust > 0:
        light *= dust_lane(galaxy, u, v)
    for strength, draw in (
        (galaxy.companion, companion_light),
        (galaxy.disturbance, stream_light),
        (galaxy.arc, arc_light),
        (galaxy.blob, blob_light),
    ):
        if strength > 0:
            light += draw(galaxy, u, v, rng)
    return light


def bulge_light(galaxy: Galaxy, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A Sersic profile on round, flat or boxy ellipses: (n, n), its flux about 1."""
    size = galaxy.bulge_size
    if galaxy.boxiness > 0:
        power = 2 + 3 * galaxy.boxiness
        sides = np.abs(u) ** power + np.abs(v / galaxy.axis_ratio) ** power
        radius = sides ** (1 / power) / size
    else:
        radius = ellipse(u, v, galaxy.axis_ratio) / size
    # a soft centre: the camera pixels are too large for the cusp
    radius = np.sqrt(radius**2 + (0.5 * galaxy.pixel / galaxy.radius / size) ** 2)
    return sersic(radius, galaxy.concentration) * (
        galaxy.bulge / (size**2 * galaxy.axis_ratio)
    )


def disk_light(
    galaxy: Galaxy,
    u: np.ndarray,
    v: np.ndarray,
    texture: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """An exponential disk with its bar, arms, ring and knots: (3, n, n)."""
    flatness = disk_flatness(galaxy)
    disk = in_plane(u, v / flatness)
    smooth = np.exp(-HALF_LIGHT * disk.radius) * HALF_LIGHT**2 / (2 * np.pi * flatness)
    smooth *= (1 - galaxy.bulge) * np.exp(0.9 * galaxy.irregularity * texture)
    # a bar sweeps up the stars around it
    smooth *= 1 - 0.5 * galaxy.bar * np.exp(-((disk.radius / 0.8) ** 4))
    young = np.zeros_like(smooth)
    if galaxy.arms > 0:
        outside = 1 / (1 + np.exp(-12 * (disk.radius - 0.45)))
        arms = arm_pattern(galaxy, disk, texture, rng) * outside
        young += 3.2 * galaxy.arms * arms * smooth * np.exp(0.35 * disk.radius)
        smooth *= 1 - 0.6 * galaxy.arms * outside
    if galaxy.ring > 0:
        place = rng.uniform(1.2, 1.8)
        ring = np.exp(-0.5 * ((disk.radius - place) / 0.16) ** 2)
        young += ring * galaxy.ring * (0.9 * smooth + 0.06 / flatness)
        smooth *= 1 - 0.5 * galaxy.ring * (disk.radius > 0.5)
    knots = knot_light(galaxy, smooth + 4 * young, rng)
    colour = galaxy.youth * YOUNG + (1 - galaxy.youth) * DISK
    light = tint(smooth, 0.5 * (DISK + colour)) + tint(young, colour) + tint(knots, KNOT)
    if galaxy.bar > 0:
        light += tint(bar_light(galaxy, disk, rng) / flatness, OLD_YELLOW)
    return light


def arm_pattern(
    galaxy: Galaxy, disk: Disk, texture: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Logarithmic spirals, 1 on the arms and 0 between: (n, n)."""
    turns = disk.log_radius / math.tan(math.radians(galaxy.pitch))
    count = galaxy.num_arms if galaxy.num_arms < MOST_ARMS else rng.integers(5, 8)
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


def disturb(
    galaxy: Galaxy, u: np.ndarray, v: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Bends the coordinates, so that what is drawn on them comes out bent."""
    bend = 0.32 * galaxy.disturbance + 0.25 * galaxy.irregularity
    if bend == 0:
        return u, v
    first, second = rng.uniform(0, 2 * np.pi, 2)
    # no shift at the centre, which stays the centre of the picture
    du = bend * (np.sin(1.3 * v + first) - math.sin(first))
    dv = bend * (np.sin(1.3 * u + second) - math.sin(second))
    return u + du, v + dv


def disk_flatness(galaxy: Galaxy) -> float:
    """Short over long axis of the tilted disk."""
    return math.hypot(math.cos(math.radians(galaxy.inclination)), THINNEST)


def in_plane(u: np.ndarray, v: np.ndarray) -> Disk:
    radius = np.sqrt(u * u + v * v + np.float32(1e-4))
    return Disk(radius, np.arctan2(v, u), np.log(radius))


def ellipse(u: np.ndarray, v: np.ndarray, axis_ratio: float) -> np.ndarray:
    """The long half-axis of the ellipse through each point."""
    return np.sqrt(u * u + (v / axis_ratio) ** 2)


def sersic(radius: np.ndarray, index: float) -> np.ndarray:
    """Light per area, where radius 1 holds half of it; about 1 in all."""
    slope = 2 * index - 1 / 3
    return (0.11 + 0.02 * index) * np.exp(-slope * (radius ** (1 / index) - 1))


def rotate(
    x: np.ndarray, y: np.ndarray, degrees: float
) -> tuple[np.ndarray, np.ndarray]:
    """The coordinates along and across an axis that is turned by so much."""
    turn = math.radians(degrees)
    cos, sin = math.cos(turn), math.sin(turn)
    return cos * x + sin * y, cos * y - sin * x


def tint(light: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Light spread over the three bands: (3, n, n) float32."""
    return np.multiply.outer(np.asarray(colour, np.float32), light)


def smooth_noise(size: int, rng: np.random.Generator) -> np.ndarray:
    """A random landscape with hills a tenth of the frame wide: (size, size)."""
    return enlarge(rng.normal(size=(1, 26, 26)).astype("f4"), size)[0]
