"""How the training went, epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.reporting.plots import PREDICTED, VOLUNTEERS, new_figure, styled
from pipeline.training.history import History, is_reweighted

HEIGHT = 3.4
MOST_DOTS = 40  # epochs, above which they would touch


class Curve(NamedTuple):
    """What is drawn of each member.

    Attributes:
        column: of the history.
        label: for the legend; empty for none.
        colour: of the line.
        dash: of the line.
        reweighted: draw only epochs that were reweighted, or were not; None: all.
    """

    column: str
    label: str = ""
    colour: str = PREDICTED
    dash: str = "-"
    reweighted: bool | None = None


RMSES = (
    Curve("train_rmse", "training", VOLUNTEERS, "--"),
    Curve("epoch_rmse", "validation", reweighted=False),
    Curve("epoch_rmse", "validation, reweighted", dash=":", reweighted=True),
)


def learning_curves(histories: Mapping[str, History]) -> Figure:
    """RMSE against epoch, a pair of lines for each member."""
    return draw_curves(histories, RMSES, "RMSE")


def loss_curves(histories: Mapping[str, History], name: str) -> Figure:
    """The training loss of that name, a line for each member."""
    return draw_curves(histories, [Curve("loss", colour=VOLUNTEERS)], f"loss ({name})")


def rate_curves(histories: Mapping[str, History]) -> Figure:
    """The learning rate that each epoch ended with."""
    return draw_curves(histories, [Curve("learning_rate")], "learning rate")


@styled
def draw_curves(
    histories: Mapping[str, History], curves: Sequence[Curve], label: str
) -> Figure:
    figure = new_figure(HEIGHT)
    axes = figure.subplots()
    for history in histories.values():
        for curve in curves:
            draw_curve(axes, history, curve, 1 if len(histories) == 1 else 0.7)
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid()
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        known = dict(zip(labels, handles, strict=True))
        axes.legend(known.values(), known.keys())
    return figure


def draw_curve(axes: Axes, history: History, curve: Curve, alpha: float) -> None:
    values = np.array([record[curve.column] for record in history])
    if curve.reweighted is not None:
        scored = np.array([is_reweighted(record) for record in history])
        values = np.where(scored == curve.reweighted, values, np.nan)
    if not np.isfinite(values).any():
        return
    axes.plot(
        [record["epoch"] for record in history],
        values,
        curve.dash,
        color=curve.colour,
        label=curve.label,
        marker="o" if len(history) < MOST_DOTS else None,
        markersize=3,
        linewidth=1.8,
        alpha=alpha,
    )
