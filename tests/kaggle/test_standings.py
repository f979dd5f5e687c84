import hashlib

import numpy as np
import pytest

from pipeline.kaggle import standings
from pipeline.kaggle.standings import is_test_set, place_2014


@pytest.mark.parametrize(
    ("score", "place"),
    [
        (0.0725, "1st (the winner had 0.07492)"),
        (0.07492, "1st (the winner had 0.07492)"),
        (0.0760, "2nd (after 0.07492)"),
        (0.0780, "3rd (after 0.07753)"),
        (0.0800, "between 3rd and 9th"),
        (0.1018, "after 9th (0.08246)"),
        (0.1640, "behind the central pixel benchmark (0.1619)"),
    ],
)
def test_a_score_has_its_place_in_2014(score: float, place: str) -> None:
    assert place_2014(score) == place


def test_the_test_set_is_known_by_its_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"".join(galaxy.to_bytes(8, "little") for galaxy in (3, 5, 300))
    monkeypatch.setattr(standings, "TEST_SET", hashlib.sha256(text).hexdigest())
    assert is_test_set(np.array([300, 3, 5]))
    assert not is_test_set(np.array([3, 5]))
