"""Plots for the page, kept as files too, with their numbers beside them."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pipeline.files import atomic
from pipeline.reporting.html import Picture, data_uri
from pipeline.reporting.plots import svg
from pipeline.runs.paths import numbers_file, plot_file

PIXELS = 96  # for an inch, as browsers have it

Numbers = Mapping[str, Sequence[Any]]  # columns by their name


class PlotFiles:
    """Draws for the page, and keeps each plot and its numbers as files.

    Attributes:
        folder: the report's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, name: str, figure: Figure, alt: str, numbers: Numbers) -> Picture:
        content = svg(figure)
        with atomic(plot_file(self.folder, name)) as partial:
            partial.write_bytes(content)
        width, height = (round(PIXELS * side) for side in figure.get_size_inches())
        uri = data_uri(content, "image/svg+xml")
        return Picture(uri, alt, (width, height), self.note(name, numbers))

    def note(self, name: str, numbers: Numbers) -> str:
        """Writes numbers alone; returns the name of their file."""
        path = numbers_file(self.folder, name)
        with (
            atomic(path) as partial,
            open(partial, "w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(numbers)
            rows = zip(*numbers.values(), strict=True)
            writer.writerows(map(plain, row) for row in rows)
        return path.name


def plain(cell: Any) -> Any:
    """A fraction to six digits; whatever else as it is."""
    return f"{cell:.6g}" if isinstance(cell, float | np.floating) else cell
