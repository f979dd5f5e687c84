"""What was predicted against what the volunteers said."""

from collections import Counter
from typing import Any

import numpy as np

from pipeline.data.tree import COLUMNS, QUESTIONS
from pipeline.reporting.calibration import Calibration, calibrate, calibrate_asked
from pipeline.reporting.html import Picture
from pipeline.reporting.plot_files import Numbers, PlotFiles
from pipeline.reporting.plots import agreement as plot
from pipeline.reporting.plots.flow import tree_flow
from pipeline.reporting.statistics import density
from pipeline.reporting.words import full_answer, most_likely_classes
from pipeline.runs.contents import HeldOut

CALIBRATION_BINS, DENSITY_BINS = 10, 25
# one of each question; of two answers the other one is its mirror image
SHOWN = (
    *("Class1.1", "Class2.1", "Class3.1", "Class4.1", "Class5.3", "Class6.1"),
    *("Class7.1", "Class8.6", "Class9.1", "Class10.1", "Class11.2"),
)
MOST_CLASSES = 25  # listed one by one


def agreement(plots: PlotFiles, data: HeldOut) -> dict[str, Any]:
    groups = calibrate(data.fractions, data.targets, CALIBRATION_BINS)
    asked = calibrate_asked(data.fractions, data.targets, CALIBRATION_BINS)
    return {
        "density": draw_densities(plots, data),
        "calibration": plots.keep(
            "calibration",
            plot.calibrations(groups, asked),
            "Twelve calibration curves against the diagonal of perfect predictions. "
            f"The mean distance from it is {groups.gap:.3f} over all fractions.",
            calibration_numbers(groups, asked),
        ),
        "gap": groups.gap,
    }


def draw_densities(plots: PlotFiles, data: HeldOut) -> Picture:
    columns = {"All 37 answers": slice(None)}
    for column in map(COLUMNS.index, SHOWN):
        columns[full_answer(column)] = slice(column, column + 1)
    panels = [
        plot.Density(
            title,
            density(data.fractions[:, part], data.targets[:, part], DENSITY_BINS),
        )
        for title, part in columns.items()
    ]
    correlation = np.corrcoef(data.fractions.ravel(), data.targets.ravel())[0, 1]
    return plots.keep(
        "density",
        plot.densities(panels),
        "Twelve panels of predicted against volunteers' fractions: all answers, and "
        "one answer of each question. The correlation over all answers is "
        f"{correlation:.3f}.",
        density_numbers(panels),
    )


def density_numbers(panels: list[plot.Density]) -> Numbers:
    """Where a cell begins, and how many answers are in it; empty ones left out."""
    rows = [
        (panel.title, column / DENSITY_BINS, row / DENSITY_BINS, count)
        for panel in panels
        for (row, column), count in np.ndenumerate(panel.counts)
        if count
    ]
    names = ("panel", "predicted_from", "volunteers_from", "answers")
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def calibration_numbers(groups: Calibration, asked: dict[int, Calibration]) -> Numbers:
    named = {"all fractions": groups} | {
        question.text: asked[question.number]
        for question in QUESTIONS
        if question.number in asked
    }
    panels = [name for name, part in named.items() for _ in part.counts]
    columns = map(np.concatenate, zip(*named.values(), strict=True))
    names = ("predicted", "volunteers", "standard_error", "answers")
    return {"panel": panels} | dict(zip(names, columns, strict=True))


def tree(plots: PlotFiles, data: HeldOut) -> dict[str, Any]:
    """Mean fractions along the tree, and the classes that the galaxies end in."""
    predicted = data.fractions.mean(axis=0)
    volunteers = data.targets.mean(axis=0, dtype=np.float64)
    return {
        "flow": plots.keep(
            "tree",
            tree_flow(predicted, volunteers),
            "The decision tree with its mean fractions. Smooth: "
            f"{predicted[0]:.1%} predicted, {volunteers[0]:.1%} by the volunteers; "
            f"features or disk: {predicted[1]:.1%} and {volunteers[1]:.1%}.",
            {"answer": COLUMNS, "predicted": predicted, "volunteers": volunteers},
        ),
        **classes(data),
    }


def classes(data: HeldOut) -> dict[str, Any]:
    """How often each class is the most likely one, the volunteers' commonest first."""
    predicted = most_likely_classes(data.fractions)
    volunteers = most_likely_classes(data.targets)
    pairs = zip(predicted, volunteers, strict=True)
    same = [ours for ours, theirs in pairs if ours == theirs]
    counts = [Counter(names) for names in (volunteers, predicted, same)]
    common = [name for name, _ in counts[0].most_common(MOST_CLASSES)]
    return {
        "classes": [(name, *(count[name] for count in counts)) for name in common],
        "num_same": len(same),
        "num_galaxies": len(predicted),
        "num_classes": len(counts[0]),
    }
