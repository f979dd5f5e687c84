"""Images as numbered .npy files that are mapped into memory, not read into it."""

from pathlib import Path

import numpy as np

from pipeline import workdir


def save_array(path: Path, array: np.ndarray) -> None:
    with workdir.atomic(path) as partial:
        np.save(partial, array)


class Shards:
    """The images of a split: one long array that lies in several files.

    Attributes:
        ids: (N,) int64, the galaxy of each row.
    """

    def __init__(self, folder: Path, num_shards: int) -> None:
        self.ids = np.load(workdir.ids_file(folder))
        self.arrays = [
            np.load(workdir.shard_file(folder, number), mmap_mode="r")
            for number in range(num_shards)
        ]
        self.starts = np.cumsum([0, *(len(array) for array in self.arrays)])

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
