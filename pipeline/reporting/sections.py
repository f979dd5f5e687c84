"""What each section of the report says and shows, from arrays to text and pictures."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.data.images import crop_center
from pipeline.data.metrics import rmse_per_question, score_fractions
from pipeline.data.tree import COLUMNS, NUM_ANSWERS, QUESTIONS, answer_slice
from pipeline.files import atomic
from pipeline.kaggle.standings import BENCHMARK, PLACES, ordinal, place_2014
from pipeline.reporting.html import Picture, photo, plot_picture
from pipeline.reporting.pictures import Pictures, enlarge, outline, tile
from pipeline.reporting.plots import curves, flow, galaxies, png
from pipeline.reporting.statistics import (
    SHIFT_FRACTION,
    answer_text,
    calibrate,
    extreme_rows,
    mean_shift,
    question_of,
    rmse_per_answer,
    rmse_per_galaxy,
)
from pipeline.runs.contents import HeldOut
from pipeline.runs.paths import plot_file
from pipeline.settings.schema import Settings
from pipeline.training.history import History, best_record

CALIBRATION_BINS = 20
GROUPS = {
    "largest": "The largest errors",
    "typical": "Typical ones",
    "smallest": "The smallest errors",
}
# the answers of which the surest test galaxy is shown
EXTREMES = (
    *("Class1.1", "Class1.2", "Class1.3", "Class2.1", "Class3.1", "Class4.1"),
    *("Class5.4", "Class6.1", "Class7.1", "Class7.3", "Class8.1", "Class8.6"),
)


class Expected(NamedTuple):
    """The RMSE to expect on the test set, and its standard error."""

    rmse: float
    error: float


class Plots:
    """Draws for the page, and keeps each plot as a PNG file too.

    Attributes:
        folder: the report's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, name: str, figure: Any, alt: str) -> Picture:
        content = png(figure)
        with atomic(plot_file(self.folder, name)) as partial:
            partial.write_bytes(content)
        return plot_picture(content, alt)


def standing(expected: Expected | None, comparable: bool) -> dict[str, Any]:
    """Where the expected RMSE would stand among the private scores of 2014.

    Args:
        expected: of the test set; None where it is not known.
        comparable: whether the test set is the competition's.
    """
    rows = [(f"{ordinal(place)} of 2014", theirs) for place, theirs in PLACES]
    rows += [("central pixel benchmark", BENCHMARK)]
    table = [
        {"who": who, "rmse": f"{theirs:.5f}", "ours": False} for who, theirs in rows
    ]
    if not comparable:
        note = "these test galaxies are not those of the competition"
        return {"place": "not comparable", "place_note": note, "standings": table}
    if expected is None:
        note = "what to expect on the test set is not known"
        return {"place": "unknown", "place_note": note, "standings": table}
    rmse, error = expected
    ahead = sum(theirs <= rmse for _, theirs in rows)
    ours = {"who": "this run, expected", "rmse": f"{rmse:.4f} ± {error:.4f}"}
    table.insert(ahead, ours | {"ours": True})
    best, worst = place_2014(rmse - error), place_2014(rmse + error)
    note = f"by the RMSE expected on the test set, {rmse:.4f} ± {error:.4f}"
    if best != worst:
        note += f": from “{best}” to “{worst}”"
    return {"place": place_2014(rmse), "place_note": note, "standings": table}


def learning(plots: Plots, histories: dict[str, History]) -> tuple[Picture, str]:
    parts = []
    for name, rows in histories.items():
        best = best_record(rows)
        parts.append(
            f"{name}: best epoch RMSE {best['epoch_rmse']:.4f} in epoch "
            f"{best['epoch']:.0f} of {len(rows)}, training RMSE then "
            f"{best['train_rmse']:.4f}"
        )
    note = "; ".join(parts) + ". Each image as it is, before averaging."
    figure = curves.learning_curves(histories)
    return plots.keep("learning", figure, f"Learning curves. {note}"), note


def errors(plots: Plots, data: HeldOut, means: np.ndarray) -> dict[str, Any]:
    """RMSE per question and answer beside the column means' (37,)."""
    baseline = np.tile(means, (len(data.ids), 1))
    ours, theirs = (
        rmse_per_question(values, data.targets) for values in (data.fractions, baseline)
    )
    answers, answers_means = (
        rmse_per_answer(values, data.targets) for values in (data.fractions, baseline)
    )
    hardest = max(QUESTIONS, key=lambda question: ours[question.number])
    worst = int(answers.argmax())
    questions_alt = (
        f"Bars: RMSE of each question. The largest is {ours[hardest.number]:.3f}, for "
        f"“{hardest.text}”; the column means have {theirs[hardest.number]:.3f} there."
    )
    answers_alt = (
        f"Bars: RMSE of each of the 37 answers. The largest is {answers[worst]:.3f}, "
        f"for {COLUMNS[worst]}, {answer_text(worst)}."
    )
    return {
        "means_rmse": score_fractions(baseline, data.targets).rmse,
        "hardest": hardest,
        "error_table": error_table(ours, theirs, answers, answers_means),
        "questions": plots.keep(
            "questions", curves.question_errors(ours, theirs), questions_alt
        ),
        "answers": plots.keep(
            "answers", curves.answer_errors(answers, answers_means), answers_alt
        ),
    }


def error_table(
    ours: dict[int, float],
    theirs: dict[int, float],
    answers: np.ndarray,
    answers_means: np.ndarray,
) -> list[dict[str, Any]]:
    """The RMSE of each question and of its answers, ours and the column means'."""
    return [
        {
            "text": f"{question.number}  {question.text}",
            "ours": ours[question.number],
            "means": theirs[question.number],
            "answers": [
                {
                    "text": f"{COLUMNS[column]}: {answer_text(column)}",
                    "ours": answers[column],
                    "means": answers_means[column],
                }
                for column in range(NUM_ANSWERS)[answer_slice(question)]
            ],
        }
        for question in QUESTIONS
    ]


def agreement(plots: Plots, data: HeldOut) -> dict[str, Picture]:
    """Densities, calibration and the tree."""
    correlation = np.corrcoef(data.fractions.ravel(), data.targets.ravel())[0, 1]
    groups = calibrate(data.fractions, data.targets, CALIBRATION_BINS)
    means = data.fractions.mean(axis=0), data.targets.mean(axis=0, dtype=np.float64)
    return {
        "density": plots.keep(
            "density",
            curves.densities(data.fractions, data.targets),
            "Eleven panels of predicted against volunteers' fractions, one for each "
            f"question. The correlation over all answers is {correlation:.3f}.",
        ),
        "calibration": plots.keep(
            "calibration",
            curves.calibration(groups),
            "Calibration curve against the diagonal of perfect predictions. The mean "
            f"distance from it is {groups.error:.3f}.",
        ),
        "tree": plots.keep(
            "tree",
            flow.tree_flow(*means),
            "The decision tree with its mean fractions. Smooth: "
            f"{means[0][0]:.1%} predicted, {means[1][0]:.1%} by the volunteers; "
            f"features or disk: {means[0][1]:.1%} and {means[1][1]:.1%}.",
        ),
    }


def chosen_galaxies(data: HeldOut, count: int) -> dict[str, np.ndarray]:
    """Rows of the largest, typical and smallest errors."""
    return extreme_rows(rmse_per_galaxy(data.fractions, data.targets), count)


def galaxy_groups(
    plots: Plots,
    settings: Settings,
    data: HeldOut,
    rows: dict[str, np.ndarray],
    pictures: dict[int, np.ndarray],
) -> list[dict[str, Any]]:
    """The cards of the chosen galaxies."""
    rmse = rmse_per_galaxy(data.fractions, data.targets)
    return [
        {
            "title": GROUPS[name],
            "galaxies": [
                galaxy_card(plots, settings, data, row, rmse[row], pictures)
                for row in chosen
            ],
        }
        for name, chosen in rows.items()
    ]


def galaxy_card(
    plots: Plots,
    settings: Settings,
    data: HeldOut,
    row: int,
    rmse: float,
    pictures: dict[int, np.ndarray],
) -> dict[str, Any]:
    galaxy = int(data.ids[row])
    fractions, targets = data.fractions[row], data.targets[row]
    far = int(np.abs(fractions - targets).argmax())
    worst = (
        f"question {question_of(far).number}, “{answer_text(far)}”: predicted "
        f"{fractions[far]:.2f}, volunteers {targets[far]:.2f}"
    )
    crop = crop_center(pictures[galaxy], settings.preprocess.crop_size)
    figure = galaxies.answer_bars(fractions, targets)
    alt = f"Galaxy {galaxy}: bars of its 37 answers. RMSE {rmse:.4f}; {worst}."
    return {
        "id": galaxy,
        "rmse": rmse,
        "worst": worst,
        "photo": photo(crop, f"Galaxy {galaxy}"),
        "bars": plots.keep(f"galaxy_{galaxy}", figure, alt),
    }


def views_of_one(
    settings: Settings, galaxy: int, pictures: Pictures, seen: np.ndarray
) -> list[dict[str, Any]]:
    """The original with the crop outlined, the crop, and the crop as it is seen.

    Only the last where the originals are not at hand.
    """
    size, small = settings.preprocess.crop_size, settings.preprocess.image_size
    texts = (
        f"Galaxy {galaxy} as it comes, 424 px; the crop is outlined",
        f"The crop, {size} px",
        f"The crop as the network sees it, {small} px",
    )
    original = pictures.by_id[galaxy]
    images = outline(original, size), crop_center(original, size), enlarge(seen, 400)
    views = [
        {"photo": photo(image, text), "text": text, "kind": kind}
        for image, text, kind in zip(
            images, texts, ("photo", "photo", "sharp"), strict=True
        )
    ]
    return views if pictures.original else views[-1:]


def augmentation(
    settings: Settings, seen: np.ndarray, augmented: np.ndarray
) -> dict[str, Any]:
    """One galaxy (S, S, 3) and what augmentation makes of it (B, S, S, 3)."""
    train = settings.train
    told = [
        *(["turned by any angle"] if train.rotate else []),
        *(["mirrored"] if train.flip else []),
        *([f"zoomed by up to {train.zoom:g}"] if train.zoom > 1 else []),
        *([f"moved by up to {train.shift:g} original pixels"] if train.shift else []),
    ]
    note = ", ".join(told) or "not at all"
    sheet = tile([enlarge(image, 160) for image in (seen, *augmented)], 4)
    alt = f"A galaxy and {len(augmented)} augmented views of it: {note}."
    return {"augmented": photo(sheet, alt), "augmentation_note": note}


def shift(plots: Plots, predicted: np.ndarray, targets: np.ndarray) -> dict[str, Any]:
    """The test set's means beside the training set's, and whether that is a warning."""
    found = mean_shift(predicted, targets)
    gaps = found.test - found.training
    far = int(np.abs(gaps).argmax())
    largest = f"{COLUMNS[far]} ({answer_text(far)}) by {gaps[far]:+.3f}"
    warning = ""
    if found.notable.any():
        warning = (
            f"the test set's mean of {found.notable.sum()} of 37 answers differs from "
            "the training set's by more than chance explains and by over "
            f"{SHIFT_FRACTION}, most that of {largest}. Either the test galaxies are "
            "others than the training galaxies, or the network is biased."
        )
    return {
        "shift_warning": warning,
        "shift_limit": SHIFT_FRACTION,
        "shift": plots.keep(
            "shift",
            curves.shifts(found),
            "Mean fraction of each answer, test and training. The largest difference "
            f"is that of {largest}.",
        ),
    }


def extreme_galaxies(ids: np.ndarray, fractions: np.ndarray) -> list[tuple[int, str]]:
    """For some answers, the galaxy that has most of it, and the words for that."""
    found = []
    for name in EXTREMES:
        column = COLUMNS.index(name)
        row = int(fractions[:, column].argmax())
        text = f"{question_of(column).text} {answer_text(column)}"
        found.append((int(ids[row]), f"{text}, {fractions[row, column]:.2f}"))
    return found
