"""A galaxy's card: its pictures, and its 37 answers as bars."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.reporting.plots import (
    ANSWER_HEIGHT,
    PREDICTED,
    VOLUNTEERS,
    answer_rows,
    new_figure,
    styled,
)
from pipeline.reporting.words import answer_text

SPEAKS_FOR, SPEAKS_AGAINST = (255, 70, 40), (60, 130, 255)
SHEET_COLUMNS = 4
COVERING = 0.65  # how much of a pixel the strongest colour hides


class Looked(NamedTuple):
    """Where the networks looked.

    Attributes:
        influence: (S, S), how much each pixel of the image counts.
        answer: the column that it is of; None for all 37 together, without signs.
    """

    influence: np.ndarray
    answer: int | None


def draw_bars(axes: Axes, fractions: np.ndarray, targets: np.ndarray | None) -> None:
    places = np.array(answer_rows(axes))
    pair = targets is not None
    axes.barh(
        places - 0.2 * pair,
        fractions,
        0.4 if pair else 0.7,
        color=PREDICTED,
        label="predicted",
    )
    if pair:
        axes.barh(places + 0.2, targets, 0.4, color=VOLUNTEERS, label="volunteers")
    axes.set_xlim(0, 1)
    axes.set_xlabel("fraction")


@styled
def card(
    title: str,
    original: np.ndarray | None,
    seen: np.ndarray,
    looked: Looked,
    fractions: np.ndarray,
    targets: np.ndarray | None,
) -> Figure:
    """The picture, what the network sees of it and where, and the bars, on one sheet.

    Args:
        title: which galaxy, and how well it went.
        original: (424, 424, 3) uint8, or None where it is not at hand.
        seen: (S, S, 3) uint8.
        looked: of that image.
        fractions: (37,) predicted.
        targets: (37,) volunteers', or None.
    """
    figure = new_figure(ANSWER_HEIGHT + 0.5)
    figure.set_figwidth(8.2)
    figure.suptitle(title, weight="bold")
    left, right = figure.subfigures(1, 2, width_ratios=[3.2, 5])
    draw_bars(right.subplots(), fractions, targets)
    right.legend(loc="outside upper right", ncols=2)
    shown = [] if original is None else [(original, "the original")]
    shown.append((seen, f"as the network sees it, {seen.shape[0]} px"))
    shown.append((overlaid(seen, looked.influence), looked_title(looked.answer)))
    rows = left.subplots(len(shown), 1, squeeze=False)[:, 0]
    for axes, (image, text) in zip(rows, shown, strict=True):
        axes.imshow(image, interpolation="nearest")
        axes.set_title(text)
        axes.set_anchor("N")
        axes.axis("off")
    return figure


@styled
def sheet(pictures: Sequence[tuple[str, np.ndarray]]) -> Figure:
    """Pictures (H, W, 3) uint8 side by side, each with its caption."""
    rows = -(-len(pictures) // SHEET_COLUMNS)
    figure = new_figure(2.2 * rows)
    figure.set_figwidth(8.2)
    places = figure.subplots(rows, SHEET_COLUMNS, squeeze=False).ravel()
    for axes in places:
        axes.axis("off")
    for axes, (caption, image) in zip(places, pictures, strict=False):
        axes.imshow(image)
        axes.set_title(caption)
    return figure


def overlaid(seen: np.ndarray, influence: np.ndarray) -> np.ndarray:
    """The image in grey, the more coloured the more a pixel counts: (S, S, 3) uint8."""
    grey = seen.mean(axis=2, keepdims=True)
    strength = np.abs(influence) / max(np.abs(influence).max(), np.finfo(float).tiny)
    colours = np.where((influence >= 0)[..., None], SPEAKS_FOR, SPEAKS_AGAINST)
    mixed = grey + COVERING * strength[..., None] * (colours - grey)
    return mixed.astype(np.uint8)


def looked_title(answer: int | None) -> str:
    if answer is None:
        return "red: hidden, it changes the answers most"
    return f"red for, blue against “{answer_text(answer)}”"
