import numpy as np
import pytest

from pipeline.data.tree import QUESTIONS, parent_fractions, shares_to_fractions
from pipeline.settings.networks import TrainConfig
from pipeline.training.losses import build_loss


def random_fractions(rng: np.random.Generator, num: int) -> np.ndarray:
    shares = [rng.dirichlet(np.ones(len(q.answers)), num) for q in QUESTIONS]
    return shares_to_fractions(np.hstack(shares)).astype("f4")


def votes_loss(targets: np.ndarray, fractions: np.ndarray) -> float:
    return float(build_loss(TrainConfig(loss="votes"))(targets, fractions))


def test_guessing_costs_each_volunteer_the_logarithm_of_the_number_of_answers() -> None:
    targets = random_fractions(np.random.default_rng(0), 5)
    guess = np.hstack(
        [np.full((5, len(q.answers)), 1 / len(q.answers)) for q in QUESTIONS]
    )
    asked = [parent_fractions(targets, question).mean() for question in QUESTIONS]
    costs = [np.log(len(question.answers)) for question in QUESTIONS]
    loss = votes_loss(targets, shares_to_fractions(guess).astype("f4"))
    assert loss == pytest.approx(np.dot(asked, costs) / 37, rel=1e-4)


def test_no_prediction_costs_less_than_the_votes_themselves() -> None:
    rng = np.random.default_rng(0)
    targets, others = random_fractions(rng, 1), random_fractions(rng, 1)
    least = votes_loss(targets, targets)
    for part in (0.01, 0.1, 1):
        assert votes_loss(targets, (1 - part) * targets + part * others) > least


def test_an_answer_held_impossible_costs_much_but_not_infinitely() -> None:
    targets = random_fractions(np.random.default_rng(0), 1)
    impossible = targets.copy()
    impossible[:, :2] = [[0, targets[0, :2].sum()]]
    impossible[:, 15:18] = 0  # how round, which only who says smooth is asked
    assert votes_loss(targets, targets) < votes_loss(targets, impossible) < np.log(1e5)
