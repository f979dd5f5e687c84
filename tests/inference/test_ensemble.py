import numpy as np
import pytest

from pipeline.bars import progress
from pipeline.data.tree import tree_violations
from pipeline.inference.ensemble import average_by_row, obeying_tree, predict_members
from pipeline.runs.graph import Run
from pipeline.settings.schema import PredictConfig


def test_the_mean_is_over_those_who_predicted_a_row() -> None:
    parts = [np.full((2, 37), 1.0), np.full((3, 37), 4.0)]
    known, mean = average_by_row(parts, [np.array([2, 5]), np.array([5, 7, 9])])
    assert known.tolist() == [2, 5, 7, 9]
    assert mean[:, 0].tolist() == [1.0, 2.5, 4.0, 4.0]


def test_the_bar_counts_every_view_of_every_image_by_every_member(
    finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = []

    def count(total: int, *words: str) -> object:
        bar = progress(total, *words)
        monkeypatch.setattr(bar, "update", counted.append)
        counted.append(-total)
        return bar

    monkeypatch.setattr("pipeline.inference.ensemble.progress", count)
    config = PredictConfig(num_rotations=3, flips=False, batch_size=2)
    members, rows = finished.members * 2, [np.arange(5), np.arange(2)]
    parts = predict_members(config, finished.shards("test"), members, rows)
    assert [len(part) for part in parts] == [5, 2]
    assert counted[0] == -(5 + 2) * 3
    assert sum(counted) == 0


@pytest.mark.parametrize("obey_tree", [True, False])
def test_predictions_without_bounds_are_brought_within_them(obey_tree: bool) -> None:
    free = np.random.default_rng(0).normal(0.3, 1, (50, 37))
    free[0] = -1  # no answer to any question
    fractions = obeying_tree(PredictConfig(obey_tree=obey_tree), free)
    assert fractions.min() >= 0
    assert fractions.max() <= 1
    if obey_tree:
        assert not tree_violations(fractions).any()
