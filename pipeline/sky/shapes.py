"""The geometry and the colours that all parts of a galaxy share."""

import math
from dataclasses import dataclass

import numpy as np

# the i, r and g bands, which become red, green and blue
OLD_RED, OLD_YELLOW = np.array([[1.36, 1.00, 0.50], [1.18, 1.02, 0.78]], np.float32)
DISK = np.array([1.05, 1.00, 0.95], np.float32)
YOUNG = np.array([0.86, 0.97, 1.16], np.float32)
KNOT = np.array([0.75, 0.92, 1.35], np.float32)


@dataclass(frozen=True)
class Disk:
    """Polar coordinates in the plane of a disk, in half-light radii: (n, n) each."""

    radius: np.ndarray
    theta: np.ndarray
    log_radius: np.ndarray


def in_plane(u: np.ndarray, v: np.ndarray) -> Disk:
    radius = np.sqrt(u * u + v * v + np.float32(1e-4))
    return Disk(radius, np.arctan2(v, u), np.log(radius))


def ellipse(u: np.ndarray, v: np.ndarray, axis_ratio: float) -> np.ndarray:
    """The long half-axis of the ellipse through each point."""
    return np.sqrt(u * u + (v / axis_ratio) ** 2)


def rotate(
    x: np.ndarray, y: np.ndarray, degrees: float
) -> tuple[np.ndarray, np.ndarray]:
    """The coordinates along and across an axis that is turned by so much."""
    turn = math.radians(degrees)
    cos, sin = math.cos(turn), math.sin(turn)
    return cos * x + sin * y, cos * y - sin * x


def sersic(radius: np.ndarray, index: float) -> np.ndarray:
    """Light per area, where radius 1 holds half of it; about 1 in all."""
    slope = 2 * index - 1 / 3
    return (0.11 + 0.02 * index) * np.exp(-slope * (radius ** (1 / index) - 1))


def tint(light: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Light spread over the three bands: (3, n, n) float32."""
    return np.multiply.outer(np.asarray(colour, np.float32), light)
