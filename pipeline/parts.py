"""Some work divided among several machines."""

import argparse
import re
from collections.abc import Sequence
from typing import NamedTuple


class Part(NamedTuple):
    """One of several parts of some work, for one of several machines; from 1 on."""

    number: int = 1
    of: int = 1

    def own(self, items: Sequence[int]) -> list[int]:
        """Those that fall to it: every `of`-th, so that parts are of equal size."""
        return [item for item in items if item % self.of == self.number - 1]

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


WHOLE = Part()


def part_of(text: str) -> Part:
    """A part as it is typed, `3/10` for the third of ten.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f'takes a part such as 3/10, not "{text}"')
    return Part(int(found[1]), int(found[2]))
