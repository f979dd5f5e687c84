"""What else a picture shows: stars, small galaxies, trails and ghosts."""

import math

import numpy as np

from pipeline.sky.camera import SEEING

STAR_COLOURS = np.array(
    [[1.5, 0.8, 0.3], [1.2, 1.0, 0.7], [1.0, 1.0, 1.0], [0.8, 1.0, 1.25]], np.float32
)
GALAXY_COLOURS = np.array([[1.3, 1.0, 0.6], [1.05, 1.0, 0.9]], np.float32)
Place = tuple[float, float]  # row, column


def add_neighbours(light: np.ndarray, pixel: float, rng: np.random.Generator) -> None:
    """Scatters stars and far galaxies over a frame, in place.

    Args:
        light: (3, n, n) float32, already blurred.
        pixel: side of a camera pixel in pixels of the picture.
        rng: decides where and what.
    """
    size = light.shape[1]
    crowd = rng.lognormal(0, 0.5) * (size / 160) ** 1.3
    for _ in range(rng.poisson(6 * crowd)):
        flux = min(0.025 * rng.pareto(0.9), 12)
        add_star(light, anywhere(rng, size), flux, star_colour(rng), rng)
    for _ in range(rng.poisson(4 * crowd)):
        add_small_galaxy(light, anywhere(rng, size), rng)


def add_star(
    light: np.ndarray,
    place: Place,
    flux: float,
    colour: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """A point blurred by the air; bright ones have wings and spikes."""
    reach = 6 if flux < 1 else 70
    window, dy, dx = around(light, place, reach)
    distance = dx**2 + dy**2
    spot = flux * np.exp(-0.5 * distance / SEEING**2)
    window += spot * colour[:, None, None]
    if flux >= 1:
        wings = 0.012 * flux / (1 + distance / 20)
        # light scattered in the camera is reddish
        window += wings * np.array([1.5, 0.7, 0.8], np.float32)[:, None, None]
        window += spikes(dx, dy, flux, rng) * colour[:, None, None]


def spikes(
    dx: np.ndarray, dy: np.ndarray, flux: float, rng: np.random.Generator
) -> np.ndarray:
    """The cross that the telescope's vanes draw: (h, w)."""
    turn = rng.uniform(0, np.pi / 2)
    along = math.cos(turn) * dx + math.sin(turn) * dy
    across = math.cos(turn) * dy - math.sin(turn) * dx
    length = 4.0 * flux**0.35
    return (0.025 * flux) * (
        np.exp(-np.abs(along) / length - 0.7 * across**2)
        + np.exp(-np.abs(across) / length - 0.7 * along**2)
    )


def add_small_galaxy(light: np.ndarray, place: Place, rng: np.random.Generator) -> None:
    """A far galaxy, little more than a smudge."""
    size = rng.uniform(0.6, 2.2)
    window, dy, dx = around(light, place, int(8 * size) + 6)
    turn, ratio = rng.uniform(0, np.pi), rng.uniform(0.3, 1)
    along = math.cos(turn) * dx + math.sin(turn) * dy
    across = (math.cos(turn) * dy - math.sin(turn) * dx) / ratio
    # stands in for the blur: no cusp
    radius = np.sqrt(along**2 + across**2 + SEEING**2) - SEEING
    colour = GALAXY_COLOURS[rng.choice(2)]
    flux = min(0.02 + 0.02 * rng.pareto(1.2), 0.3)
    window += flux * np.exp(-radius / size) * colour[:, None, None]


def add_artifact(light: np.ndarray, rng: np.random.Generator) -> None:
    """A satellite's trail, or coloured blocks where a band is missing, in place."""
    size = light.shape[1]
    y, x = np.mgrid[:size, :size].astype("f4") - size / 2
    if rng.random() < 0.5:
        turn = rng.uniform(0, np.pi)
        across = math.cos(turn) * y - math.sin(turn) * x + rng.normal(0, size / 15)
        trail = np.exp(-0.5 * (across / rng.uniform(0.8, 1.8)) ** 2)
        light += rng.uniform(0.02, 0.25, (3, 1, 1)).astype("f4") * trail
        return
    for _ in range(rng.integers(2, 6)):
        top, left = rng.integers(0, size // 2, 2)
        height, width = rng.integers(size // 8, size // 2, 2)
        block = light[rng.choice(3), top : top + height, left : left + width]
        block += rng.uniform(0.02, 0.15)


def around(
    light: np.ndarray, place: Place, reach: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The part of a frame near a place, and the way to there down and right.

    Returns:
        A view (3, h, w), then (h, 1) and (1, w) float32 in camera pixels.
    """
    (top, bottom), (left, right) = (
        (max(int(middle) - reach, 0), int(middle) + reach + 1) for middle in place
    )
    window = light[:, top:bottom, left:right]
    rows = np.arange(top, top + window.shape[1], dtype=np.float32) - place[0]
    columns = np.arange(left, left + window.shape[2], dtype=np.float32) - place[1]
    return window, rows[:, None], columns[None, :]


def anywhere(rng: np.random.Generator, size: int) -> Place:
    return rng.uniform(0, size), rng.uniform(0, size)


def star_colour(rng: np.random.Generator) -> np.ndarray:
    return STAR_COLOURS[rng.choice(4)]
