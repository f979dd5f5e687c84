"""How the training went, how large the errors are, and where they lie."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure

from pipeline.data.tree import QUESTIONS, answer_slice
from pipeline.reporting.plots import (
    ANSWER_HEIGHT,
    BENCHMARK,
    PREDICTED,
    VOLUNTEERS,
    answer_rows,
    new_figure,
    styled,
)
from pipeline.reporting.statistics import Calibration, Shift, density
from pipeline.training.history import is_reweighted

# white to dark, so that the page's dark side may simply turn it over
SHADES = LinearSegmentedColormap.from_list(
    "shades", ["#d7e6f4", "#6aaed6", "#1f6fb5", "#08264d"]
)
DENSITY_BINS = 25


@styled
def learning_curves(histories: Mapping[str, Sequence[Mapping[str, float]]]) -> Figure:
    """RMSE against epoch, a pair of lines for each member."""
    figure = new_figure(3.4)
    axes = figure.subplots()
    for number, rows in enumerate(histories.values()):
        epochs = [row["epoch"] for row in rows]
        style = {"linewidth": 1.8, "alpha": 1 if len(histories) == 1 else 0.7}
        fitted, held_out = (
            np.array([row[key] for row in rows]) for key in ("train_rmse", "epoch_rmse")
        )
        reweighted = np.array([is_reweighted(row) for row in rows])
        for values, label, colour, dash in (
            (fitted, "training, augmented", VOLUNTEERS, "--"),
            (
                blank(held_out, reweighted),
                "validation, averaged weights",
                PREDICTED,
                "-",
            ),
            (
                blank(held_out, ~reweighted),
                "validation, galaxies reweighted",
                PREDICTED,
                ":",
            ),
        ):
            if np.isfinite(values).any():
                axes.plot(
                    epochs,
                    values,
                    dash,
                    color=colour,
                    label="" if number else label,
                    marker="o" if len(rows) < 40 else None,
                    markersize=3,
                    **style,
                )
    axes.set_xlabel("epoch")
    axes.set_ylabel("RMSE")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid()
    axes.legend()
    return figure


def blank(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The same (N,) values, none of them drawn where it says so."""
    return np.where(where, np.nan, values)


@styled
def question_errors(ours: Mapping[int, float], means: Mapping[int, float]) -> Figure:
    """RMSE of each question, beside the column means'."""
    figure = new_figure(4.6)
    axes = figure.subplots()
    places = np.arange(len(QUESTIONS))
    numbers = [question.number for question in QUESTIONS]
    axes.barh(
        places - 0.2,
        [ours[number] for number in numbers],
        0.38,
        color=PREDICTED,
        label="network",
    )
    axes.barh(
        places + 0.2,
        [means[number] for number in numbers],
        0.38,
        color=BENCHMARK,
        label="column means",
    )
    axes.set_yticks(places, [f"{q.number}  {q.text}" for q in QUESTIONS])
    axes.invert_yaxis()
    axes.set_xlabel("RMSE")
    axes.grid(axis="x")
    figure.legend(loc="outside upper right", ncols=2)
    return figure


@styled
def answer_errors(ours: np.ndarray, means: np.ndarray) -> Figure:
    """RMSE of each answer (37,), beside the column means'."""
    figure = new_figure(ANSWER_HEIGHT)
    axes = figure.subplots()
    places = np.array(answer_rows(axes))
    axes.barh(places - 0.2, ours, 0.4, color=PREDICTED, label="network")
    axes.barh(places + 0.2, means, 0.4, color=BENCHMARK, label="column means")
    axes.set_xlabel("RMSE")
    figure.legend(loc="outside upper right", ncols=2)
    return figure


@styled
def densities(fractions: np.ndarray, targets: np.ndarray) -> Figure:
    """Predicted against volunteers' fractions (N, 37), a panel for each question."""
    figure = new_figure(7.4)
    panels = figure.subplots(4, 3, sharex=True, sharey=True)
    counts = [
        density(fractions[:, columns], targets[:, columns], DENSITY_BINS)
        for columns in map(answer_slice, QUESTIONS)
    ]
    norm = LogNorm(1, max(2, *(count.max() for count, _ in counts)))
    for axes, question, (count, edges) in zip(
        panels.flat, QUESTIONS, counts, strict=False
    ):
        shown = np.ma.masked_equal(count, 0)
        mesh = axes.pcolormesh(edges, edges, shown, cmap=SHADES, norm=norm)
        axes.plot([0, 1], [0, 1], color=VOLUNTEERS, linewidth=1)
        title = textwrap.fill(f"{question.number}  {question.text}", 18)
        axes.set_title(title, fontsize=7.5)
        axes.set_aspect("equal")
        axes.set_xticks([0, 0.5, 1], ["0", "½", "1"])
        axes.set_yticks([0, 0.5, 1], ["0", "½", "1"])
    panels.flat[-1].axis("off")
    figure.colorbar(
        mesh,
        ax=panels.flat[-1],
        location="top",
        fraction=0.5,
        label="answers in a cell",
    )
    figure.supxlabel("predicted fraction", fontsize=9)
    figure.supylabel("volunteers' fraction", fontsize=9)
    return figure


@styled
def calibration(groups: Calibration) -> Figure:
    """What the volunteers said where the network said so much."""
    figure = new_figure(4.8)
    axes, below = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [4, 1]}
    )
    axes.plot([0, 1], [0, 1], color=BENCHMARK, linewidth=1, label="perfect")
    axes.plot(groups.predicted, groups.observed, "o-", color=PREDICTED, label="network")
    axes.set_ylabel("volunteers' mean fraction")
    axes.set_ylim(0, 1)
    axes.set_xlim(0, 1)
    axes.grid()
    axes.legend(loc="upper left")
    width = 0.7 / max(10, len(groups.counts))
    below.bar(groups.predicted, groups.counts, width, color=BENCHMARK)
    below.set_yscale("log")
    below.set_ylabel("answers")
    below.set_xlabel("predicted fraction")
    return figure


@styled
def shifts(shift: Shift) -> Figure:
    """Mean fractions of the test set's predictions and of the training labels."""
    figure = new_figure(ANSWER_HEIGHT)
    axes = figure.subplots()
    places = np.array(answer_rows(axes))
    axes.hlines(places, shift.training, shift.test, color=BENCHMARK, linewidth=2)
    axes.plot(
        shift.training, places, "s", color=VOLUNTEERS, label="training, volunteers"
    )
    axes.plot(shift.test, places, "o", color=PREDICTED, label="test, predicted")
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
