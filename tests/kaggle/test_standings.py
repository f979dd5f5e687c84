import pytest

from pipeline.kaggle.standings import place_2014


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
