"""Predicted fractions against the volunteers'."""

import textwrap
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure

from pipeline.data.tree import QUESTIONS
from pipeline.reporting.calibration import Calibration
from pipeline.reporting.plots import (
    BASELINE,
    PREDICTED,
    VOLUNTEERS,
    new_figure,
    styled,
)

# white to dark, so that the page's dark side may simply turn it over
SHADES = LinearSegmentedColormap.from_list(
    "shades", ["#d7e6f4", "#6aaed6", "#1f6fb5", "#08264d"]
)
HEIGHT, ROWS, COLUMNS = 7.4, 4, 3  # of a figure; of its panels
HALVES = ([0, 0.5, 1], ["0", "½", "1"])


class Density(NamedTuple):
    """How often pairs of fractions occur.

    Attributes:
        title: of which answers.
        counts: (bins, bins), rows by the volunteers' fraction.
    """

    title: str
    counts: np.ndarray


@styled
def densities(panels: list[Density]) -> Figure:
    """Predicted against volunteers' fractions, a panel each."""
    figure, all_axes = new_panels()
    norm = LogNorm(1, max(2, *(panel.counts.max() for panel in panels)))
    for axes, panel in zip(all_axes, panels, strict=True):
        shown = np.ma.masked_equal(panel.counts, 0)
        # each cell a pixel, which grows with the plot and stays sharp
        image = axes.imshow(
            shown,
            SHADES,
            norm,
            origin="lower",
            extent=(0, 1, 0, 1),
            interpolation="none",
        )
        axes.plot([0, 1], [0, 1], color=VOLUNTEERS, linewidth=1)
        set_title(axes, panel.title)
    figure.colorbar(
        image, ax=all_axes, location="top", aspect=40, label="answers in a cell"
    )
    return figure


@styled
def calibrations(groups: Calibration, asked: Mapping[int, Calibration]) -> Figure:
    """What the volunteers said where the network said so much.

    Args:
        groups: of all fractions.
        asked: of each question the shares among those who were asked it.
    """
    figure, all_axes = new_panels()
    titles = ["All 37 fractions", *(f"{q.number}  {q.text}" for q in QUESTIONS)]
    found = [groups, *(asked.get(question.number) for question in QUESTIONS)]
    for axes, title, part in zip(all_axes, titles, found, strict=True):
        set_title(axes, title)
        axes.plot([0, 1], [0, 1], color=BASELINE, linewidth=1)
        if part is None:
            axes.text(0.5, 0.5, "never asked", ha="center")
        else:
            axes.errorbar(
                part.predicted,
                part.observed,
                part.errors,
                color=PREDICTED,
                fmt="o-",
                clip_on=False,
                markersize=3,
                linewidth=1,
            )
    return figure


def new_panels() -> tuple[Figure, list[Axes]]:
    """Twelve squares from 0 to 1, predicted to the right and volunteers upwards."""
    figure = new_figure(HEIGHT)
    all_axes = [*figure.subplots(ROWS, COLUMNS, sharex=True, sharey=True).flat]
    for axes in all_axes:
        axes.set_aspect("equal")
        axes.set_xticks(*HALVES)
        axes.set_yticks(*HALVES)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
    figure.supxlabel("predicted", fontsize=9)
    figure.supylabel("volunteers", fontsize=9)
    return figure, all_axes


def set_title(axes: Axes, text: str) -> None:
    axes.set_title(textwrap.fill(text, 21), fontsize=7.5)
