"""Galaxies of large and small errors, with pictures; and a table of all of them."""

from typing import Any

import numpy as np

from pipeline.data.images import crop_center
from pipeline.data.tree import COLUMNS, NUM_ANSWERS
from pipeline.reporting.html import photo
from pipeline.reporting.pictures import Pictures
from pipeline.reporting.plot_files import PlotFiles
from pipeline.reporting.statistics import extreme_rows, rmse_per_galaxy
from pipeline.reporting.words import full_answer, most_likely_classes
from pipeline.runs.contents import HeldOut

GROUPS = {
    "largest": "The largest errors",
    "typical": "Typical ones",
    "smallest": "The smallest errors",
}
NUM_WORST = 5  # answers of a galaxy that are shown at once


def chosen_galaxies(data: HeldOut, count: int) -> dict[str, np.ndarray]:
    """Rows of the largest, typical and smallest errors."""
    return extreme_rows(rmse_per_galaxy(data.fractions, data.targets), count)


def galaxy_groups(
    data: HeldOut, rows: dict[str, np.ndarray], pictures: Pictures, crop_size: int
) -> list[dict[str, Any]]:
    """The cards of the chosen galaxies; no group without any."""
    return [
        {
            "title": GROUPS[name],
            "galaxies": [
                galaxy_card(data, row, pictures.by_id, crop_size) for row in chosen
            ],
        }
        for name, chosen in rows.items()
        if len(chosen)
    ]


def galaxy_card(
    data: HeldOut, row: int, pictures: dict[int, np.ndarray], crop_size: int
) -> dict[str, Any]:
    """One galaxy: its picture, its class, its answers, the largest error first."""
    galaxy = int(data.ids[row])
    fractions, targets = data.fractions[row], data.targets[row]
    order = np.argsort(-np.abs(fractions - targets), kind="stable")
    answers = [
        {
            "text": full_answer(column),
            "predicted": fractions[column],
            "volunteers": float(targets[column]),
        }
        for column in order
    ]
    crop = crop_center(pictures[galaxy], crop_size)
    predicted, volunteers = most_likely_classes(np.stack([fractions, targets]))
    return {
        "id": galaxy,
        "rmse": rmse_per_galaxy(fractions[None], targets[None])[0],
        "predicted": predicted,
        "volunteers": volunteers,
        "worst": answers[:NUM_WORST],
        "others": answers[NUM_WORST:],
        "photo": photo(crop, f"Galaxy {galaxy}, predicted: {predicted}"),
    }


def all_galaxies(plots: PlotFiles, data: HeldOut) -> dict[str, Any]:
    """Every validation galaxy in a row, the largest RMSE first.

    Classes and answers stand once in a list of their own, and the rows name them by
    their places, so that thousands of rows stay small.
    """
    rmse = rmse_per_galaxy(data.fractions, data.targets)
    order = np.argsort(-rmse, kind="stable")
    fractions, targets = data.fractions[order], data.targets[order].astype(float)
    worst = np.abs(fractions - targets).argmax(axis=1)
    every = np.arange(len(order))
    columns = {
        "GalaxyID": data.ids[order].tolist(),
        "rmse": rmse[order].round(4).tolist(),
        "predicted_class": most_likely_classes(fractions),
        "volunteers_class": most_likely_classes(targets),
        "largest_error": [COLUMNS[column] for column in worst],
        "predicted": fractions[every, worst].round(3).tolist(),
        "volunteers": targets[every, worst].round(3).tolist(),
    }
    return {
        "file": plots.note("galaxies", columns),
        "num_galaxies": len(order),
        "content": coded(columns),
    }


def coded(columns: dict[str, list[Any]]) -> dict[str, Any]:
    """The table as the page's script reads it."""
    classes = sorted({*columns["predicted_class"], *columns["volunteers_class"]})
    places = {name: place for place, name in enumerate(classes)}
    answers = {name: place for place, name in enumerate(COLUMNS)}
    parts = columns | {
        "predicted_class": [places[name] for name in columns["predicted_class"]],
        "volunteers_class": [places[name] for name in columns["volunteers_class"]],
        "largest_error": [answers[name] for name in columns["largest_error"]],
    }
    return {
        "classes": classes,
        "answers": [full_answer(column) for column in range(NUM_ANSWERS)],
        "rows": [*zip(*parts.values(), strict=True)],
    }
