"""All the light of a made-up galaxy, as if seen without air or noise."""

import numpy as np

from pipeline.sky.camera import enlarge
from pipeline.sky.disk import disk_light
from pipeline.sky.oddities import (
    arc_light,
    blob_light,
    companion_light,
    disturb,
    dust_lane,
    stream_light,
)
from pipeline.sky.population import Galaxy
from pipeline.sky.shapes import (
    OLD_RED,
    OLD_YELLOW,
    ellipse,
    rotate,
    sersic,
    tint,
)


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


def smooth_noise(size: int, rng: np.random.Generator) -> np.ndarray:
    """A random landscape with hills a tenth of the frame wide: (size, size)."""
    return enlarge(rng.normal(size=(1, 26, 26)).astype("f4"), size)[0]
