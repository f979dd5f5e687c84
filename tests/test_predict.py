from pathlib import Path

import numpy as np
import pytest

from pipeline import artifacts, workdir
from pipeline.config import PredictConfig
from pipeline.ensemble import predict_members
from pipeline.ledger import read_ledger
from pipeline.metrics import score_fractions
from pipeline.predict import predict
from pipeline.validation import validation
from tests.conftest import TEST_IDS
from tests.finished_run import Run


def test_predictions_have_the_ids_beside_the_fractions(finished: Run) -> None:
    with np.load(workdir.predictions_file(finished.work.predictions)) as file:
        assert file["ids"].tolist() == TEST_IDS.tolist()
        assert file["fractions"].shape == (6, 37)
        assert file["fractions"].dtype == np.float64


def test_a_second_run_changes_nothing(finished: Run) -> None:
    before = artifacts.predictions(*finished).receipt
    predict(*finished)
    assert artifacts.predictions(*finished).receipt == before


def test_what_is_submitted_is_told_with_its_validation_rmse(finished: Run) -> None:
    data = validation(*finished)
    score = score_fractions(data.fractions, data.targets)
    result = artifacts.predictions(*finished).result
    assert result["num_validation"] == len(data.ids)
    assert result["validation_rmse"] == pytest.approx(score.rmse)
    assert result["validation_standard_error"] == pytest.approx(score.standard_error)
    assert 0 < result["expected_rmse"] < 1
    assert 1 <= result["num_effective"] <= len(data.ids)
    submission = artifacts.submission(*finished).result
    (row,) = read_ledger(Path(finished.config.export.folder))
    for name in ("validation_rmse", "validation_standard_error", "expected_rmse"):
        assert submission[name] == result[name]
        assert float(row[name]) == pytest.approx(result[name], abs=1e-5)


def test_the_bar_counts_every_copy_of_every_image_of_every_member(
    finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline import ensemble
    from pipeline.progress import progress

    counted = []

    def count(total: int, *words: str) -> object:
        bar = progress(total, *words)
        monkeypatch.setattr(bar, "update", counted.append)
        counted.append(-total)
        return bar

    monkeypatch.setattr(ensemble, "progress", count)
    shards = artifacts.shards(*finished, "test")
    members = list(artifacts.members(*finished)) * 2
    config = PredictConfig(turns=3, flips=False, batch_size=2)
    parts = predict_members(config, shards, members, [np.arange(5), np.arange(2)])
    assert [len(part) for part in parts] == [5, 2]
    assert counted[0] == -(5 + 2) * 3
    assert sum(counted) == 0
