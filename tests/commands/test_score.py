from pathlib import Path

import numpy as np
import pytest

from pipeline.commands.score import describe, score
from pipeline.data.tables import write_fractions
from pipeline.errors import PipelineError
from tests.miniature import some_fractions


def table(path: Path, ids: list[int], fractions: np.ndarray) -> Path:
    write_fractions(path, np.array(ids), fractions)
    return path


def test_galaxies_are_matched_by_id_and_others_passed_over(tmp_path: Path) -> None:
    truth = some_fractions(3)
    solutions = table(tmp_path / "truth.csv", [30, 10], truth[[2, 0]])
    submission = table(tmp_path / "mine.csv", [10, 20, 30], truth)
    verdict = score(solutions, submission)
    assert verdict.num_galaxies == 2
    assert verdict.rmse == pytest.approx(0, abs=1e-7)


def test_the_rmse_is_over_all_values(tmp_path: Path) -> None:
    ones, zeros = np.ones((2, 37)), np.zeros((2, 37))
    ones[1] = 0
    solutions = table(tmp_path / "truth.csv", [1, 2], zeros)
    submission = table(tmp_path / "mine.csv", [1, 2], ones)
    verdict = score(solutions, submission)
    assert verdict.rmse == pytest.approx(0.5**0.5)
    assert list(verdict.rmse_per_question.values()) == pytest.approx([0.5**0.5] * 11)
    assert "RMSE 0.70711" in describe(verdict.as_facts())


def test_the_benchmark_is_the_training_means(tmp_path: Path) -> None:
    halves, zeros = np.full((2, 37), 0.5), np.zeros((2, 37))
    solutions = table(tmp_path / "truth.csv", [1, 2], zeros)
    training = table(tmp_path / "training.csv", [3, 4], halves)
    verdict = score(solutions, solutions, training)
    assert verdict.baseline_rmse == pytest.approx(0.5)


def test_a_galaxy_without_a_prediction_is_named(tmp_path: Path) -> None:
    solutions = table(tmp_path / "truth.csv", [1, 2], some_fractions(2))
    submission = table(tmp_path / "mine.csv", [1], some_fractions(1))
    with pytest.raises(PipelineError, match="mine.csv has no row for 1 of 2 galaxies"):
        score(solutions, submission)


def test_a_submission_that_breaks_the_tree_is_scored_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = some_fractions(2)
    broken[1, 31:37] = 0
    solutions = table(tmp_path / "truth.csv", [1, 2], some_fractions(2))
    submission = table(tmp_path / "mine.csv", [1, 2], broken)
    assert score(solutions, submission).rmse > 0
    assert (
        "breaks the decision tree at 1 of 2 galaxies, the first being 2" in caplog.text
    )


@pytest.mark.parametrize("number", [0, 1])
def test_a_file_with_a_header_and_no_rows_is_one_line(
    tmp_path: Path, number: int
) -> None:
    files = [table(tmp_path / f"{part}.csv", [1], some_fractions(1)) for part in "ab"]
    empty = files[number]
    empty.write_text(empty.read_text().splitlines()[0] + "\n")
    with pytest.raises(PipelineError) as caught:
        score(*files)
    assert str(caught.value) == f"{empty} has a header, but no rows."


def test_one_galaxy_has_a_score_without_an_error(tmp_path: Path) -> None:
    files = [table(tmp_path / f"{part}.csv", [1], some_fractions(1)) for part in "ab"]
    verdict = score(*files)
    assert verdict.standard_error is None
    assert "RMSE 0.00000 on 1 galaxy" in describe(verdict.as_facts())


def test_what_is_no_fraction_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    solutions = table(tmp_path / "truth.csv", [1, 2], some_fractions(2))
    submission = table(tmp_path / "mine.csv", [1, 2], 100 * some_fractions(2))
    score(solutions, submission)
    assert f"{submission} has values outside 0 to 1 at 2 galaxies" in caplog.text
    with pytest.raises(PipelineError, match="has fractions outside 0 to 1 in 2 rows"):
        score(submission, solutions)
