"""How many epochs a training has, where that may have been lowered on the way."""

import re
from typing import NamedTuple

from pipeline.errors import Misuse


class Epochs(NamedTuple):
    """The epochs of a training.

    Attributes:
        planned: how many there were to be.
        cuts: each after so many epochs, and to how many in all.
    """

    planned: int
    cuts: tuple[tuple[int, int], ...] = ()

    @property
    def total(self) -> int:
        return self.cuts[-1][1] if self.cuts else self.planned

    @property
    def stretches(self) -> list[tuple[int, float, float]]:
        """From which epoch on, the share of the training over then, and per epoch.

        What is left after a cut is spread over the epochs that are left.
        """
        found = [(0, 0.0, 1 / self.planned)]
        for after, total in self.cuts:
            first, share, per_epoch = found[-1]
            share += per_epoch * (after - first)
            found.append((after, share, (1 - share) / (total - after)))
        return found

    def share_over(self, epochs: int) -> float:
        """The share of the training that is over after so many epochs: 0 to 1."""
        begun = [stretch for stretch in self.stretches if stretch[0] <= epochs]
        first, share, per_epoch = begun[-1]
        return share + per_epoch * (epochs - first)

    def cut(self, after: int, total: int) -> "Epochs":
        """With fewer of them, decided after some."""
        return Epochs(self.planned, (*self.cuts, (after, total)))

    @property
    def spelled(self) -> str:
        """The cuts as `train.shortened` takes them."""
        return ",".join(f"{after}:{total}" for after, total in self.cuts)


def epochs_of(planned: int, shortened: str) -> Epochs:
    """The epochs of one network, by `train.epochs` and its part of `train.shortened`.

    Raises:
        Misuse: it is not written so, or lowers nothing.
    """
    epochs = Epochs(planned)
    for text in filter(None, shortened.split(",")):
        found = re.fullmatch(r"(\d{1,9}):(\d{1,9})", text.strip(), re.ASCII)
        after, total = map(int, found.groups()) if found else (0, 0)
        begun = epochs.cuts[-1][0] if epochs.cuts else 0
        if not (begun <= after < total < epochs.total):
            raise Misuse(
                "train.shortened takes AFTER:EPOCHS, more than AFTER and fewer than "
                f'before, such as "8:12" for 14. Got "{shortened}".'
            )
        epochs = epochs.cut(after, total)
    return epochs


def part_of(shortened: str, network: int) -> str:
    """What `train.shortened` says of one network, counted from 0."""
    parts = shortened.split("/")
    return parts[network] if network < len(parts) else ""
