import numpy as np
import pytest

from pipeline.commands.show import WHERE, look_up
from pipeline.data.splits import fold_of
from pipeline.inference.blocks import Blocks
from pipeline.inference.held_out import predict_held_out
from pipeline.runs.graph import Run
from tests.miniature import TRAIN_IDS


def test_each_galaxy_is_predicted_by_those_not_fitted_to_it_alone(folded: Run) -> None:
    found = predict_held_out(folded, Blocks())
    assert found.ids.tolist() == TRAIN_IDS.tolist()
    # members f and f + 3 held out fold f
    expected = (fold_of(TRAIN_IDS, 3) + 1.5) / 10
    np.testing.assert_allclose(found.fractions[:, 0], expected)


def test_the_card_of_a_galaxy_is_by_those_not_fitted_to_it(folded: Run) -> None:
    (fold,) = fold_of(np.array([100_003]), 3)
    galaxy = look_up(folded, 100_003)
    assert galaxy.standing == WHERE[True]
    assert {member.fold for member in galaxy.members} == {fold}
    assert galaxy.fractions[0] == pytest.approx((fold + 1.5) / 10)
