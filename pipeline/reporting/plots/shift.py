"""The test set beside the training set."""

import numpy as np
from matplotlib.figure import Figure

from pipeline.reporting.plots import (
    ANSWER_HEIGHT,
    BASELINE,
    PREDICTED,
    VOLUNTEERS,
    answer_rows,
    new_figure,
    styled,
)
from pipeline.reporting.statistics import Shift


@styled
def shifts(shift: Shift, what: str = "test") -> Figure:
    """Mean fractions of what is predicted, and of the training labels."""
    figure = new_figure(ANSWER_HEIGHT)
    axes = figure.subplots()
    places = np.array(answer_rows(axes))
    axes.hlines(places, shift.training, shift.test, color=BASELINE, linewidth=2)
    axes.plot(
        shift.training, places, "s", color=VOLUNTEERS, label="training, volunteers"
    )
    axes.plot(shift.test, places, "o", color=PREDICTED, label=f"{what}, predicted")
    for place, test, training in zip(
        places[shift.notable],
        shift.test[shift.notable],
        shift.training[shift.notable],
        strict=True,
    ):
        axes.annotate(
            f" {test - training:+.3f}",
            (max(test, training), place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            weight="bold",
        )
    axes.set_xlim(left=0)
    axes.set_xlabel("mean fraction")
    figure.legend(loc="outside upper right", ncols=2)
    return figure
