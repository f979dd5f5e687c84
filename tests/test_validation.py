import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline import artifacts
from pipeline.artifacts import making
from pipeline.dataset import fold_of
from pipeline.ensemble import average_by_row
from pipeline.predict import ask_networks, predict
from pipeline.show import WHERE, show
from pipeline.validation import validation
from tests.conftest import TEST_IDS, TRAIN_IDS
from tests.finished_run import BAD, Run


def by_number(_: object, __: object, members: list, rows: list) -> list[np.ndarray]:
    """Each member answers everything with a tenth of its number."""
    return [
        np.full((len(own), 37), (member.knobs["fold"] + 3 * member.knobs["seed"]) / 10)
        for member, own in zip(members, rows, strict=True)
    ]


@pytest.fixture
def folded(finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Three folds and two seeds: members 0, 1, 2 with the first seed, then 3, 4, 5."""
    for user in ("validation", "predict", "ensemble"):
        monkeypatch.setattr(f"pipeline.{user}.predict_members", by_number)
    config = dataclasses.replace(
        finished.config,
        train=dataclasses.replace(finished.config.train, folds=3, seeds=2),
        predict=dataclasses.replace(finished.config.predict, obey_tree=False),
    )
    root = shutil.copytree(finished.work.root, tmp_path / "work")
    run = Run(config, dataclasses.replace(finished.work, root=root))
    for member in artifacts.members(*run):
        with making(member) as result:
            result["means"] = [0.7] * 37
    return run


def test_the_mean_is_over_those_who_predicted_a_row() -> None:
    parts = [np.full((2, 37), 1.0), np.full((3, 37), 4.0)]
    known, mean = average_by_row(parts, [np.array([2, 5]), np.array([5, 7, 9])])
    assert known.tolist() == [2, 5, 7, 9]
    assert mean[:, 0].tolist() == [1.0, 2.5, 4.0, 4.0]


def test_each_galaxy_is_predicted_by_those_not_fitted_to_it_alone(folded: Run) -> None:
    data = validation(*folded)
    assert data.ids.tolist() == TRAIN_IDS.tolist()
    # members f and f + 3 held out fold f
    expected = (fold_of(TRAIN_IDS, 3) + 1.5) / 10
    np.testing.assert_allclose(data.fractions[:, 0], expected)


def test_a_test_galaxy_is_the_mean_over_all_and_compared_by_one_fold(
    folded: Run,
) -> None:
    members = list(artifacts.members(*folded))
    shards = artifacts.shards(*folded, "test")
    fractions, alike = ask_networks(folded.config, shards, members, TEST_IDS)
    good = TEST_IDS != BAD
    np.testing.assert_allclose(fractions[good], np.full((5, 37), 0.25))
    np.testing.assert_allclose(fractions[~good], np.full((1, 37), 0.7))
    np.testing.assert_allclose(alike[:, 0], (fold_of(TEST_IDS[good], 3) + 1.5) / 10)


def test_one_more_seed_is_asked_and_the_others_stay(folded: Run) -> None:
    predict(*folded)
    more = dataclasses.replace(folded.config.train, seeds=3)
    config = dataclasses.replace(folded.config, train=more)
    states = [member.state for member in artifacts.members(config, folded.work)]
    assert states == ["done"] * 6 + ["missing"] * 3
    assert artifacts.predictions(config, folded.work).state == "stale"


def test_the_card_of_a_galaxy_is_by_those_not_fitted_to_it(folded: Run) -> None:
    (fold,) = fold_of(np.array([100_003]), 3)
    text = show(*folded, 100_003)
    assert WHERE[True] in text
    assert f"{(fold + 1.5) / 10:.3f}" in text
