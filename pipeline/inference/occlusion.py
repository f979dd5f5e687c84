"""Where networks look: what changes as part after part of a picture is hidden."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

PLACES = 16  # of the cover, along one side
PARTS = 6  # how many covers would fill a side
BATCH_SIZE = 64


def influence(
    networks: Sequence["keras.Model"], image: np.ndarray, column: int | None = None
) -> np.ndarray:
    """How much each pixel counts, by occlusion (Zeiler and Fergus 2014, section 4.2).

    A square of sky is laid on place after place. A pixel has the mean over all squares
    that hide it, the more weight to each the nearer its middle.

    Args:
        networks: (B, S, S, 3) -> (B, 37); the mean over them is looked at.
        image: (S, S, 3) uint8.
        column: an answer: by how much its fraction falls, below 0 where it rises. Of
            all 37, by how much they move, root mean square, if None.

    Returns:
        (S, S) float64.
    """
    squares = list(covers(len(image)))
    images = np.stack([image, *(covered(image, square) for square in squares)])
    whole, *hidden = np.mean([ask(network, images) for network in networks], axis=0)
    falls = whole - np.array(hidden)
    moved = np.sqrt((falls**2).mean(axis=1))
    amounts = moved if column is None else falls[:, column]
    window = np.hanning(cover_size(len(image)) + 2)[1:-1]
    weight = np.outer(window, window)
    sums, weights = np.zeros((2, *image.shape[:2]))
    for square, amount in zip(squares, amounts, strict=True):
        sums[square] += amount * weight
        weights[square] += weight
    return sums / weights


def cover_size(size: int) -> int:
    """Pixels along the side of what hides a part of an image (S, S, 3)."""
    return -(-size // PARTS)


def covers(size: int) -> Iterator[tuple[slice, slice]]:
    """Squares that together hide every pixel of (size, size), each several times."""
    side = cover_size(size)
    firsts = np.linspace(0, size - side, PLACES).round().astype(int)
    for top in firsts:
        for left in firsts:
            yield slice(top, top + side), slice(left, left + side)


def covered(image: np.ndarray, square: tuple[slice, slice]) -> np.ndarray:
    """The image with sky there: the median colour of its outermost pixels."""
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    hidden = image.copy()
    hidden[square] = np.median(edge, axis=0)
    return hidden


def ask(network: "keras.Model", images: np.ndarray) -> np.ndarray:
    """(N, 37), in batches that fit."""
    starts = range(0, len(images), BATCH_SIZE)
    batches = [images[start : start + BATCH_SIZE] for start in starts]
    return np.concatenate([network.predict_on_batch(batch) for batch in batches])
