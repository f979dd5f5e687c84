"""From light to a picture: air, sky, noise, stretch and enlargement, as in SDSS."""

import math
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.sparse import csr_array

SEEING = 1.4  # standard deviation of the blur, in camera pixels
SOFTENING = 18.0  # the larger, the brighter the faint parts
SKY_NOISE = 0.0063  # where 1 is white
SHOT_NOISE = 0.010


def blur(light: np.ndarray) -> np.ndarray:
    """What the air makes of it: (3, n, n) to (3, n, n)."""
    for axis in (1, 2):
        light = gaussian_filter1d(light, SEEING, axis=axis, truncate=3.5)
    return light


def add_noise(light: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Adds the noise of the sky and that of the light itself: (3, n, n)."""
    noise = rng.standard_normal(light.shape, np.float32)
    spread = np.sqrt(SKY_NOISE**2 + SHOT_NOISE**2 * np.maximum(light, 0))
    # red and blue are noisier than green, and the sky is not quite subtracted
    weights = np.array([1.2, 0.85, 1.15], np.float32)[:, None, None]
    level = rng.normal((0.0008, 0.0010, -0.0006), 0.0012).astype("f4")[:, None, None]
    return light + level + noise * spread * weights


def stretch(light: np.ndarray) -> np.ndarray:
    """Brings faint light up while keeping its colour (Lupton et al. 2004).

    Args:
        light: (3, n, n), where 1 is white.

    Returns:
        (3, n, n) float32 in [0, 255].
    """
    mean = np.maximum(light.mean(axis=0), 1e-4)
    factor = np.arcsinh(SOFTENING * mean) / (math.asinh(SOFTENING) * mean)
    levels = np.maximum(light, 0) * factor
    # too bright in one band: dim all three, so that the hue stays
    levels /= np.maximum(levels.max(axis=0), 1)
    return 255 * levels


def enlarge(planes: np.ndarray, size: int) -> np.ndarray:
    """Cubic interpolation: (3, n, n) to (3, size, size)."""
    weights = cubic_weights(planes.shape[1], size)
    for _ in range(2):
        # each pass enlarges the rows and swaps them with the columns
        count, height, width = planes.shape
        columns = planes.transpose(1, 0, 2).reshape(height, count * width)
        planes = (weights @ columns).reshape(size, count, width).transpose(1, 2, 0)
    return planes


@lru_cache(maxsize=512)
def cubic_weights(small: int, large: int) -> csr_array:
    """The matrix that enlarges a line: (large, small), four weights in each row."""
    place = (np.arange(large) + 0.5) * small / large - 0.5
    first = np.floor(place).astype(int) - 1
    taps = first[:, None] + np.arange(4)
    away = np.abs(place[:, None] - taps)
    near = (1.5 * away - 2.5) * away**2 + 1
    far = ((-0.5 * away + 2.5) * away - 4) * away + 2
    weights = np.where(away < 1, near, far).astype(np.float32)
    rows = np.repeat(np.arange(large), 4)
    columns = np.clip(taps, 0, small - 1).ravel()
    return csr_array((weights.ravel(), (rows, columns)), shape=(large, small))
