"""Predictions of many galaxies, kept block by block until all of them are there.

So an interrupted prediction continues, and several machines can share one.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.data.shards import save_array
from pipeline.data.tree import NUM_ANSWERS
from pipeline.files import refuse_link
from pipeline.parts import WHOLE, Part

LEAST = 4096  # galaxies of a block


@dataclass(frozen=True)
class Blocks:
    """A folder of blocks, and which of them are to be made here.

    Attributes:
        folder: where they are; None: they are not kept.
        part: of the blocks, those that are made here.
    """

    folder: Path | None = None
    part: Part = WHOLE

    def of(self, name: str) -> "Blocks":
        """The blocks of one network; the name tells all that they follow from."""
        return Blocks(self.folder and self.folder / name, self.part)

    def gather(
        self,
        num_rows: int,
        step: int,
        predict: Callable[[slice], np.ndarray],
        skip: Callable[[int], object],
    ) -> np.ndarray | None:
        """All rows (N, 37) float64, from blocks that are kept, and else are made.

        Args:
            num_rows: N.
            step: rows that are predicted at once: blocks end where steps do, so that
                the same rows go through a network together whatever was kept.
            predict: makes some of the rows.
            skip: told how many rows are not made here, since they are kept, or another
                part's.

        Returns:
            None where blocks of other parts are missing.
        """
        if self.folder:
            refuse_link(self.folder.parent)
            refuse_link(self.folder)
        found: list[np.ndarray | None] = []
        for number, rows in enumerate(block_slices(num_rows, step)):
            block = self.load(number, rows.stop - rows.start)
            if block is None and self.part.own([number]):
                block = predict(rows)
                if self.folder:
                    save_array(self.file(number), block)
            else:
                skip(rows.stop - rows.start)
            found.append(block)
        if any(block is None for block in found):
            return None
        return np.concatenate(found) if found else np.zeros((0, NUM_ANSWERS))

    def file(self, number: int) -> Path:
        return self.folder / f"{number:05}.npy"

    def load(self, number: int, num_rows: int) -> np.ndarray | None:
        """A block that was kept; None where there is none of that size."""
        if not self.folder or not self.file(number).is_file():
            return None
        try:
            block = np.load(self.file(number), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        good = block.shape == (num_rows, NUM_ANSWERS) and block.dtype == np.float64
        return block if good else None

    def remove(self) -> None:
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def most_blocks(num_rows: int) -> int:
    """How many blocks there are at most, however many rows are predicted at once."""
    return -(-num_rows // LEAST)


def block_slices(num_rows: int, step: int) -> Iterator[slice]:
    size = step * -(-LEAST // step)
    for start in range(0, num_rows, size):
        yield slice(start, min(start + size, num_rows))
