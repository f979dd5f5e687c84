"""Images as numbered .npy files that are mapped into memory, not read into it."""

from pathlib import Path

import numpy as np

from pipeline.files import atomic

# predicted at once: those of 256 images of 96 px; more take memory and save no time
MOST_PIXELS = 256 * 96 * 96


def save_array(path: Path, array: np.ndarray) -> None:
    with atomic(path) as partial:
        np.save(partial, array)


class Shards:
    """The images of a split: one long array made of several.

    Attributes:
        ids: (N,) int64, the galaxy of each row.
        arrays: (n, S, S, 3) uint8 each, N rows together.
    """

    def __init__(self, ids: np.ndarray, arrays: list[np.ndarray]) -> None:
        self.ids, self.arrays = ids, arrays
        self.starts = np.cumsum([0, *(len(array) for array in arrays)])

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def image_size(self) -> int:
        return self.arrays[0].shape[1]

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """The images of any rows, in their order: (len(rows), S, S, 3) uint8."""
        numbers = np.searchsorted(self.starts, rows, side="right") - 1
        images = np.empty((len(rows), self.image_size, self.image_size, 3), np.uint8)
        for place, (row, number) in enumerate(zip(rows, numbers, strict=True)):
            images[place] = self.arrays[number][row - self.starts[number]]
        return images


def images_at_once(batch_size: int, image_size: int) -> int:
    """How many images are predicted in one step, of so many that are asked for."""
    return max(1, min(batch_size, MOST_PIXELS // image_size**2))
