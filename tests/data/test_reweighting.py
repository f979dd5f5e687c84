from typing import NamedTuple

import numpy as np
import pytest

from pipeline.data.metrics import Score, score_fractions
from pipeline.data.reweighting import fit_weighting
from pipeline.data.tree import QUESTIONS, shares_to_fractions

VOTES = 6  # few, so that many galaxies owe their agreement to chance


class Sky(NamedTuple):
    """Perfect predictions, and the votes of as many galaxies: (N, 37) each."""

    fractions: np.ndarray
    targets: np.ndarray

    def score(self, weights: np.ndarray | None = None) -> Score:
        return score_fractions(self.fractions, self.targets, weights)


def whole_sky(num: int, seed: int) -> Sky:
    rng = np.random.default_rng(seed)
    shares = [rng.dirichlet(np.ones(len(q.answers)), num) for q in QUESTIONS]
    votes = [rng.multinomial(VOTES, share) / VOTES for share in shares]
    return Sky(*(shares_to_fractions(np.hstack(part)) for part in (shares, votes)))


def clear_cases(sky: Sky) -> Sky:
    """All on whose first and sixth question volunteers agree, a tenth of the others."""
    clear = [
        sky.targets[:, part].max(axis=1) > 0.75 for part in (slice(3), slice(13, 15))
    ]
    chosen = np.all(clear, axis=0) | (np.arange(len(sky.targets)) % 10 == 0)
    return Sky(sky.fractions[chosen], sky.targets[chosen])


def weights_of(held_out: Sky, test: Sky) -> np.ndarray:
    return fit_weighting(*held_out, test.fractions).weigh(held_out.targets)


def test_clear_cases_are_reweighted_to_score_like_the_whole_sky() -> None:
    held_out, test = clear_cases(whole_sky(4000, seed=1)), whole_sky(4000, seed=2)
    plain, truth = held_out.score(), test.score()
    assert plain.rmse > truth.rmse + 3 * plain.standard_error
    weighted = held_out.score(weights_of(held_out, test))
    error = np.hypot(weighted.standard_error, truth.standard_error)
    assert weighted.rmse == pytest.approx(truth.rmse, abs=2 * error)


def test_where_both_sets_are_alike_the_score_stays() -> None:
    held_out, test = whole_sky(1500, seed=1), whole_sky(3000, seed=2)
    plain = held_out.score()
    weighted = held_out.score(weights_of(held_out, test))
    assert weighted.rmse == pytest.approx(plain.rmse, abs=plain.standard_error)


def test_weights_are_positive_and_one_on_average_even_for_a_handful() -> None:
    held_out, test = whole_sky(4, seed=0), whole_sky(3, seed=1)
    weights = weights_of(held_out, test)
    assert weights.min() > 0
    assert weights.mean() == pytest.approx(1)
