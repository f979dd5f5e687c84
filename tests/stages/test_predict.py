import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline.data.metrics import score_fractions
from pipeline.data.splits import fold_of
from pipeline.inference.blocks import Blocks
from pipeline.kaggle.ledger import read_ledger
from pipeline.runs.contents import load_held_out, load_predictions
from pipeline.runs.graph import Run
from pipeline.runs.paths import WorkDir
from pipeline.stages.predict import ask_networks, average, predict
from tests.finished_run import BAD
from tests.miniature import TEST_IDS, with_train
from tests.networks import rewritten


def test_predictions_have_the_ids_beside_the_fractions(finished: Run) -> None:
    ids, fractions = load_predictions(finished.predictions)
    assert ids.tolist() == TEST_IDS.tolist()
    assert fractions.shape == (6, 37)
    assert fractions.dtype == np.float64


def test_a_second_run_changes_nothing(finished: Run) -> None:
    before = finished.predictions.receipt
    predict(finished)
    assert finished.predictions.receipt == before


def test_what_is_submitted_is_told_with_its_validation_rmse(finished: Run) -> None:
    held_out = load_held_out(finished.held_out)
    score = score_fractions(held_out.fractions, held_out.targets)
    result = finished.predictions.result
    assert result["num_validation"] == len(held_out.ids)
    assert result["validation_rmse"] == pytest.approx(score.rmse)
    assert result["validation_standard_error"] == pytest.approx(score.standard_error)
    # the means, which one of the six test galaxies is predicted as, are worse
    assert 0 < result["weighted_validation_rmse"] < result["expected_rmse"] < 1
    assert 1 <= result["num_effective"] <= len(held_out.ids)
    submission = finished.submission.result
    (row,) = read_ledger(finished.submissions.ledger)
    for name in ("validation_rmse", "validation_standard_error", "expected_rmse"):
        assert submission[name] == result[name]
        assert float(row[name]) == pytest.approx(result[name], abs=1e-5)


def test_a_test_galaxy_is_the_mean_over_all_and_compared_by_one_fold(
    folded: Run,
) -> None:
    parts = ask_networks(folded, TEST_IDS, Blocks())
    fractions, alike = average(folded, TEST_IDS, parts)
    good = TEST_IDS != BAD
    np.testing.assert_allclose(fractions[good], np.full((5, 37), 0.25))
    np.testing.assert_allclose(fractions[~good], np.full((1, 37), 0.7))
    np.testing.assert_allclose(alike[:, 0], (fold_of(TEST_IDS[good], 3) + 1.5) / 10)


def test_one_more_seed_is_asked_and_the_others_stay(folded: Run) -> None:
    predict(folded)
    more = with_train(folded, num_seeds=3)
    states = [member.state for member in more.members]
    assert states == ["done"] * 6 + ["missing"] * 3
    assert more.predictions.state == "missing"


@rewritten
def test_bfloat16_moves_the_rmse_by_less_than_a_ten_thousandth(
    finished: Run, tmp_path: Path
) -> None:
    exact = finished.predictions.result
    assert exact["precision"] == finished.held_out.result["precision"] == "float32"
    work = WorkDir(shutil.copytree(finished.work.root, tmp_path / "work"))
    config = dataclasses.replace(finished.settings.predict, precision="bfloat16")
    run = Run(dataclasses.replace(finished.settings, predict=config), work)
    assert run.predictions.state == run.held_out.state == "missing"
    predict(run)
    rounded = run.predictions.result
    assert rounded["precision"] == run.held_out.result["precision"] == "bfloat16"
    assert rounded["validation_rmse"] != exact["validation_rmse"]
    # half of what a clean hold-out and Kaggle's board differ by
    assert rounded["validation_rmse"] == pytest.approx(
        exact["validation_rmse"], abs=1e-4
    )
