"""Made-up galaxies: their population, their votes and their pictures."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.sky.population import Galaxy, draw_galaxy
from pipeline.sky.render import render
from pipeline.sky.votes import simulate_votes, vote_shares

FACE_ON = Galaxy(
    pixel=3.0,
    brightness=0.35,
    bulge=0.2,
    bulge_size=0.3,
    concentration=1.5,
)
ELLIPTICAL = Galaxy(pixel=3.0, brightness=0.35, redness=0.9)

# (parent's column or None, first column, behind the last column), typed by hand
SUMS = (
    (None, 0, 3),
    (1, 3, 5),
    (4, 5, 7),
    (4, 7, 9),
    (4, 9, 13),
    (None, 13, 15),
    (0, 15, 18),
    (13, 18, 25),
    (3, 25, 28),
    (7, 28, 31),
    (7, 31, 37),
)

# of the real labels, unbiased
REAL_MEANS = (
    "0.435 0.540 0.026 0.107 0.433 0.102 0.331 0.218 0.215 0.044 0.177 0.176 0.036 "
    "0.230 0.770 0.173 0.209 0.053 0.032 0.014 0.033 0.040 0.066 0.042 0.004 "
    "0.065 0.011 0.030 0.095 0.083 0.040 0.016 0.097 0.017 0.007 0.007 0.074"
)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    """Votes on 3,000 galaxies: (3000, 37)."""
    rng = np.random.default_rng(1)
    shares = (vote_shares(draw_galaxy(rng)) for _ in range(3000))
    return np.array([simulate_votes(share, 45, rng) for share in shares])


def test_labels_obey_the_tree(labels: np.ndarray) -> None:
    for parent, start, stop in SUMS:
        expected = 1 if parent is None else labels[:, parent]
        total = labels[:, start:stop].sum(axis=1)
        np.testing.assert_allclose(total, expected, rtol=0, atol=1e-12)


def test_column_means_are_near_the_real_ones(labels: np.ndarray) -> None:
    real = np.array(REAL_MEANS.split(), float)
    assert np.abs(labels.mean(axis=0) - real).max() < 0.03


def test_labels_vary_as_much_as_the_real_ones(labels: np.ndarray) -> None:
    rmse_of_column_means = np.sqrt(labels.var(axis=0).mean())
    assert 0.15 < rmse_of_column_means < 0.18
    assert 0.35 < np.mean(labels == 0) < 0.55


def test_shares_of_a_question_sum_to_one() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        shares = vote_shares(draw_galaxy(rng))
        assert shares.min() >= 0
        sums = [shares[start:stop].sum() for _, start, stop in SUMS]
        np.testing.assert_allclose(sums, 1)


def test_votes_keep_to_whole_volunteers() -> None:
    shares = vote_shares(FACE_ON)
    fractions = simulate_votes(shares, 4, np.random.default_rng(3))
    assert set(fractions[:3]) <= {0, 0.25, 0.5, 0.75, 1}


def test_an_unreached_question_is_all_zero() -> None:
    shares = vote_shares(FACE_ON)
    shares[:3] = 1, 0, 0
    fractions = simulate_votes(shares, 45, np.random.default_rng(4))
    assert not fractions[3:13].any()
    assert not fractions[25:].any()


def test_more_inclined_looks_more_edge_on() -> None:
    yes = [vote_shares(replace(FACE_ON, inclination=i))[3] for i in (0, 60, 80, 89)]
    assert yes == sorted(yes)
    assert yes[-1] > yes[0] + 0.5


def test_blur_hides_arms() -> None:
    sharp = replace(FACE_ON, arms=0.8, pixel=1.8)
    blurred = replace(sharp, pixel=7.0)
    assert vote_shares(sharp)[7] > vote_shares(blurred)[7] + 0.1
    assert vote_shares(sharp)[1] > vote_shares(blurred)[1]


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"bar": 0.9}, 5),
        ({"ring": 0.9}, 18),
        ({"arc": 0.9}, 19),
        ({"disturbance": 0.9}, 20),
        ({"irregularity": 0.9}, 21),
        ({"blob": 0.9}, 22),
        ({"companion": 0.9}, 23),
        ({"dust": 0.9}, 24),
        ({"kind": "star"}, 2),
        ({"bulge": 0.0}, 9),
    ],
)
def test_volunteers_name_what_they_see(change: dict[str, object], column: int) -> None:
    plain, special = vote_shares(FACE_ON), vote_shares(replace(FACE_ON, **change))
    assert special[column] > plain[column] + 0.3


def test_a_picture_is_a_competition_picture() -> None:
    image = render(ELLIPTICAL, np.random.default_rng(5))
    assert image.shape == (424, 424, 3)
    assert image.dtype == np.uint8
    middle, corner = image[207:217, 207:217].mean(), image[:40, :40].mean()
    assert corner < 40 < 100 < middle


def test_the_same_generator_gives_the_same_picture() -> None:
    first, again, other = (
        render(FACE_ON, np.random.default_rng(seed)) for seed in (6, 6, 7)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def elongation(image: np.ndarray) -> float:
    """Long over short axis of the light near the centre, by its second moments."""
    light = image[112:312, 112:312].mean(axis=2)
    light = np.where(light > 30, light, 0)
    y, x = np.mgrid[:200, :200] - 99.5
    near = light * (np.hypot(x, y) < 70)
    places = np.stack([y.ravel(), x.ravel()])
    small, large = np.linalg.eigvalsh(np.cov(places, aweights=near.ravel()))
    return float(np.sqrt(large / small))


def test_an_edge_on_galaxy_is_long_and_a_face_on_one_is_round() -> None:
    def median_elongation(galaxy: Galaxy) -> float:
        rngs = map(np.random.default_rng, range(5))  # some fields have a bright star
        return float(np.median([elongation(render(galaxy, rng)) for rng in rngs]))

    edge_on = replace(FACE_ON, inclination=88, bulge=0.05)
    assert median_elongation(edge_on) > 2
    assert median_elongation(FACE_ON) < 1.2


def test_old_stars_are_redder_than_young_ones() -> None:
    def red_over_blue(galaxy: Galaxy) -> float:
        middle = render(galaxy, np.random.default_rng(8))[182:242, 182:242]
        return middle[..., 0].mean() / middle[..., 2].mean()

    spiral = replace(FACE_ON, bulge=0.05, arms=0.8, youth=1.0, redness=0.1)
    assert red_over_blue(ELLIPTICAL) > 1.3 * red_over_blue(spiral)


def test_every_kind_of_galaxy_can_be_drawn_and_rendered() -> None:
    rng = np.random.default_rng(9)
    kinds = set()
    for _ in range(60):
        galaxy = draw_galaxy(rng)
        kinds.add(galaxy.kind)
        assert render(galaxy, rng).max() > 60
    assert "galaxy" in kinds
    for kind in ("star", "artifact"):
        assert render(replace(FACE_ON, kind=kind), rng).max() > 60
