"""Which run it is, and how well it did."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from pipeline.data.metrics import Score, score_fractions
from pipeline.data.splits import load_targets
from pipeline.inference.ensemble import column_means
from pipeline.kaggle.standings import (
    BENCHMARK,
    PLACES,
    is_test_set,
    ordinal,
    place_2014,
)
from pipeline.output import counted, duration
from pipeline.runs.contents import HeldOut, load_predictions
from pipeline.runs.graph import Run
from pipeline.runs.paths import SPLITS
from pipeline.sources.choose import source_name

NOT_NOTED = "not noted"  # by an earlier version


class Tile(NamedTuple):
    """A fact of the first section: its name, its value, and a remark."""

    name: str
    value: str
    note: str


class Tested(NamedTuple):
    """The score of test galaxies whose solutions are at hand.

    Attributes:
        num_galaxies: how many there are.
        score: of the predictions.
        baseline: the RMSE of the baseline on them.
    """

    num_galaxies: int
    score: Score
    baseline: float


def header(run: Run) -> dict[str, Any]:
    """Which run it is, and what made it."""
    settings = run.settings
    made = [item.receipt["made"] for item in (*run.members, run.predictions)]
    return {
        "run": run.digest,
        "work": run.work.root.name,
        "source": source_name(settings.source),
        "is_demo": settings.source == "demo",
        "preset": settings.preset,
        "made_at": f"{made[-1]['at'].replace('T', ' ')[:16]} UTC",
        "commits": noted(made, "commit"),
        "processors": noted(made, "processor"),
        "commands": noted(made, "command"),
    }


def noted(made: list[dict[str, Any]], key: str) -> list[str]:
    """What receipts say of the making, each word once."""
    return [*dict.fromkeys(note.get(key) or NOT_NOTED for note in made)]


def overview(run: Run, data: HeldOut) -> dict[str, Any]:
    """The RMSEs, the place in 2014, and how much work it was."""
    result = run.held_out.result | run.predictions.result
    ids, fractions = load_predictions(run.predictions)
    expected = score_of(result, "expected")
    place = standing(expected, is_test_set(ids))
    tiles = [
        *tested_tiles(score_demo(run, ids, fractions)),
        *rmse_tiles(result, baseline_rmse(run, data)),
        Tile("In 2014", place["place"], place["place_note"]),
        *work_tiles(run, result),
    ]
    return {
        "rmse": result["validation_rmse"],
        "tiles": tiles,
        "standings": place["standings"] if is_test_set(ids) else [],
    }


def score_of(result: dict[str, Any], name: str) -> Score | None:
    """A score that a receipt may say."""
    if f"{name}_rmse" not in result:
        return None
    return Score(result[f"{name}_rmse"], result[f"{name}_standard_error"])


def baseline_rmse(run: Run, data: HeldOut) -> float:
    """That of predicting each validation galaxy as the training column means."""
    means = np.broadcast_to(column_means(run.members), data.targets.shape)
    return score_fractions(means, data.targets).rmse


def score_demo(run: Run, ids: np.ndarray, fractions: np.ndarray) -> Tested | None:
    """The score of predictions (N, 37) for the demo sky, whose truth is known."""
    truth = run.raw.find("truth")
    if truth is None:
        return None
    targets = load_targets(truth, ids)
    means = np.broadcast_to(column_means(run.members), targets.shape)
    return Tested(
        len(ids),
        score_fractions(fractions, targets),
        score_fractions(means, targets).rmse,
    )


def rmse_tile(name: str, score: Score, note: str) -> Tile:
    return Tile(name, f"{score.rmse:.4f}", f"± {score.standard_error:.4f}; {note}")


def tested_tiles(tested: Tested | None) -> Iterator[Tile]:
    if tested:
        yield rmse_tile(
            "Test RMSE",
            tested.score,
            "known, since the demo sky has solutions for its "
            f"{tested.num_galaxies:,} test galaxies; the baseline has "
            f"{tested.baseline:.4f}",
        )


def rmse_tiles(result: dict[str, Any], baseline: float) -> Iterator[Tile]:
    """What the receipts say of the score, and the baseline's."""
    told = (
        ("Expected RMSE", "expected", "for the test set, unreadable images included"),
        (
            "Validation RMSE",
            "validation",
            f"{result['num_validation']:,} validation galaxies, all views, networks "
            "that did not see them",
        ),
        (
            "Weighted validation RMSE",
            "weighted_validation",
            "the same galaxies reweighted to the test set, effective sample size "
            f"{result.get('num_effective', 0):,.0f}",
        ),
    )
    for title, name, note in told:
        if score := score_of(result, name):
            yield rmse_tile(title, score, note)
    note = "RMSE of the training column means on the validation galaxies"
    yield Tile("Baseline", f"{baseline:.4f}", note)


def work_tiles(run: Run, result: dict[str, Any]) -> Iterator[Tile]:
    """Galaxies, networks and time."""
    num_train, num_test = (run.shards(split).result["num_images"] for split in SPLITS)
    yield Tile("Galaxies", f"{num_train:,}", f"to train on; {num_test:,} to predict")
    views = counted(run.settings.predict.num_views, "view")
    seconds = sum(row["seconds"] for row in times(run))
    note = f"{views} of each galaxy; {duration(seconds)} for all stages"
    if others := result["averaged_with"]:
        note += (
            "; submission and RMSEs are of the average with "
            f"{counted(len(others), 'more run')}, what is below of this one alone"
        )
    yield Tile("Networks", str(len(run.members)), note)


def times(run: Run) -> list[dict[str, Any]]:
    """How long each finished artifact took, but for this page."""
    return [
        {"name": item.name, "seconds": item.receipt["made"]["seconds"]}
        for item in run.artifacts
        if item.is_done and item.kind != "report"
    ]


def standing(expected: Score | None, comparable: bool) -> dict[str, Any]:
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
