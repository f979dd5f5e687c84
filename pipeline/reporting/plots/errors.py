"""How large the errors are, beside those of the baseline."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.data.tree import QUESTIONS
from pipeline.reporting.plots import (
    ANSWER_HEIGHT,
    BASELINE,
    PREDICTED,
    WARNING,
    answer_rows,
    heading,
    new_figure,
    styled,
)
from pipeline.reporting.statistics import Judged

THIN = {"elinewidth": 1, "ecolor": "#222222"}


@styled
def question_errors(judged: Mapping[int, Judged], notes: Mapping[int, str]) -> Figure:
    """RMSE of each question, by its number; notes are added to its text."""
    figure = new_figure(4.6)
    axes = figure.subplots()
    places = np.arange(len(QUESTIONS))
    draw_errors(axes, places, [judged[question.number] for question in QUESTIONS])
    axes.set_yticks(places, [heading(question, notes) for question in QUESTIONS])
    axes.invert_yaxis()
    axes.grid(axis="x")
    figure.legend(loc="outside upper right", ncols=3)
    return figure


@styled
def answer_errors(judged: Sequence[Judged], notes: Mapping[int, str]) -> Figure:
    """RMSE of each of the 37 answers; notes are added to the questions."""
    figure = new_figure(ANSWER_HEIGHT)
    axes = figure.subplots()
    draw_errors(axes, np.array(answer_rows(axes, notes)), judged)
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def draw_errors(axes: Axes, places: np.ndarray, judged: Sequence[Judged]) -> None:
    """A pair of bars for each, with a cross where ours is no better."""
    rmse, errors = np.array([item.ours for item in judged]).T
    baseline = np.array([item.baseline for item in judged])
    axes.barh(
        places - 0.2,
        rmse,
        0.4,
        xerr=errors,
        color=PREDICTED,
        label="network",
        error_kw=THIN,
    )
    axes.barh(places + 0.2, baseline, 0.4, color=BASELINE, label="baseline")
    longest = np.maximum(rmse + errors, baseline)
    worse = np.array([not item.is_better for item in judged])
    if worse.any():
        crosses = longest[worse] + 0.03 * longest.max()
        axes.plot(crosses, places[worse], "x", color=WARNING, label="no better")
    axes.set_xlim(0, 1.08 * longest.max())
    axes.set_xlabel("RMSE")
