from pathlib import Path

import numpy as np
import pytest

from pipeline.data.splits import fold_of, held_out, load_targets
from pipeline.data.tables import write_fractions
from pipeline.errors import PipelineError
from pipeline.settings.networks import TrainConfig
from tests.miniature import some_fractions


@pytest.fixture
def solutions(tmp_path: Path) -> Path:
    path = tmp_path / "solutions.csv"
    write_fractions(path, np.array([300, 100, 200]), some_fractions(3))
    return path


def test_targets_follow_the_ids_not_the_file(solutions: Path) -> None:
    forwards = load_targets(solutions, np.array([100, 200, 300]))
    backwards = load_targets(solutions, np.array([300, 200, 100]))
    np.testing.assert_array_equal(forwards, backwards[::-1])
    np.testing.assert_allclose(forwards[2], some_fractions(3)[0], atol=1e-6)
    assert forwards.dtype == np.float32


def test_a_galaxy_without_a_row_is_named(solutions: Path) -> None:
    with pytest.raises(PipelineError, match="no row for 2 of 3 galaxies, .* being 150"):
        load_targets(solutions, np.array([100, 150, 999]))


def test_a_fraction_above_one_is_named(tmp_path: Path) -> None:
    fractions = some_fractions(2)
    fractions[1, 4] = 1.5
    path = tmp_path / "solutions.csv"
    write_fractions(path, np.array([7, 8]), fractions)
    with pytest.raises(PipelineError, match="outside 0 to 1 in 1 row, .*galaxy 8"):
        load_targets(path, np.array([7, 8]))


def share_of(ids: np.ndarray, fraction: float) -> np.ndarray:
    """Who is held out where just one share is."""
    return held_out(ids, TrainConfig(validation_fraction=fraction), fold=0)


def test_the_held_out_share_is_about_what_was_asked() -> None:
    ids = np.arange(100_000, 160_000)
    assert share_of(ids, 0.1).mean() == pytest.approx(0.1, abs=0.005)


def test_the_held_out_galaxies_are_those_of_every_earlier_version() -> None:
    ids = np.arange(100_000, 100_100)
    earlier = [100_025, 100_031, 100_086]  # as first released
    assert ids[share_of(ids, 0.1)].tolist() == earlier


def test_every_galaxy_is_held_out_of_just_one_fold() -> None:
    ids = np.arange(100_000, 110_000)
    folds = [held_out(ids, TrainConfig(num_folds=5), fold) for fold in range(5)]
    assert (np.sum(folds, axis=0) == 1).all()
    np.testing.assert_allclose(np.mean(folds, axis=1), 0.2, atol=0.02)


def test_a_galaxy_keeps_its_fold_when_others_come() -> None:
    some, more = np.arange(100_000, 100_200, 2), np.arange(99_000, 101_000)
    np.testing.assert_array_equal(fold_of(some, 4), fold_of(more, 4)[1000:1200:2])


def test_a_galaxy_keeps_its_side_when_others_come() -> None:
    some = np.arange(100_000, 100_200, 2)
    more = np.arange(99_000, 101_000)
    chosen = share_of(more, 0.2)
    np.testing.assert_array_equal(share_of(some, 0.2), chosen[np.isin(more, some)])


def test_a_larger_share_holds_out_the_same_galaxies_and_more() -> None:
    ids = np.arange(1000)
    assert share_of(ids, 0.3)[share_of(ids, 0.1)].all()


def test_too_few_galaxies_to_split_are_refused() -> None:
    with pytest.raises(PipelineError, match="2 training galaxies are too few"):
        share_of(np.array([1, 2]), 0.0001)
    with pytest.raises(PipelineError, match="3 training galaxies are too few"):
        share_of(np.array([1, 2, 3]), 0.3)  # would hold out one of them
    with pytest.raises(PipelineError, match="fill 9 folds. Lower train.num_folds"):
        held_out(np.array([1, 2]), TrainConfig(num_folds=9), fold=8)
