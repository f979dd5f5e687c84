"""A galaxy's card: its pictures, and its 37 answers as bars."""

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
    fractions: np.ndarray,
    targets: np.ndarray | None,
) -> Figure:
    """The picture, what the network sees of it, and the bars, on one sheet.

    Args:
        title: which galaxy, and how well it went.
        original: (424, 424, 3) uint8, or None where it is not at hand.
        seen: (S, S, 3) uint8.
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
    rows = left.subplots(len(shown), 1, squeeze=False)[:, 0]
    for axes, (image, text) in zip(rows, shown, strict=True):
        axes.imshow(image, interpolation="nearest")
        axes.set_title(text)
        axes.set_anchor("N")
        axes.axis("off")
    return figure
