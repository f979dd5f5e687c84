"""The picture of a made-up galaxy, in the look of the Sloan Digital Sky Survey."""

import numpy as np

from pipeline.settings.declaring import RAW_SIZE
from pipeline.sky.camera import add_noise, blur, enlarge, stretch
from pipeline.sky.field import add_artifact, add_neighbours, add_star, star_colour
from pipeline.sky.light import galaxy_light
from pipeline.sky.population import Galaxy


def render(galaxy: Galaxy, rng: np.random.Generator) -> np.ndarray:
    """Takes a galaxy's picture.

    The light is drawn on the coarse pixels of the camera and enlarged at the end, which
    is what the survey does, and quick.

    Args:
        galaxy: what is in the middle.
        rng: decides the rest: noise, neighbours, the places of knots.

    Returns:
        (424, 424, 3) uint8, RGB.
    """
    size = round(RAW_SIZE / galaxy.pixel)
    light = subject(galaxy, size, rng)
    add_neighbours(light, galaxy.pixel, rng)
    levels = stretch(add_noise(light, rng))
    picture = enlarge(levels, RAW_SIZE).transpose(1, 2, 0)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8, order="C")


def subject(galaxy: Galaxy, size: int, rng: np.random.Generator) -> np.ndarray:
    """The light of what is in the middle: (3, size, size) float32."""
    if galaxy.kind == "star":
        light = np.zeros((3, size, size), np.float32)
        middle = (size / 2 - 0.5, size / 2 - 0.5)
        add_star(light, middle, 30 * galaxy.brightness, star_colour(rng), rng)
        return light
    axis = (np.arange(size, dtype=np.float32) + 0.5) * (RAW_SIZE / size)
    x, y = np.meshgrid(axis - RAW_SIZE / 2, axis - RAW_SIZE / 2)
    light = blur(galaxy_light(galaxy, x, y, rng))
    middle = slice(size // 2 - 1, size // 2 + 1)
    light *= galaxy.brightness / light[:, middle, middle].mean()
    if galaxy.kind == "artifact":
        add_artifact(light, rng)
    return light
