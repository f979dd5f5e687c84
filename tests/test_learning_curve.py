"""The curve over numbers of galaxies, on galaxies in miniature."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.data.archives import list_jpegs
from pipeline.data.tables import read_fractions
from pipeline.sources.folder import find_files
from tests.learning_curve import Point, extrapolate, write_share
from tests.miniature import TRAIN_IDS


def points(**rmses: float) -> list[Point]:
    return [
        Point("epochs", 1.0, 0, int(name.strip("n")), 14, rmse, 0.001)
        for name, rmse in rmses.items()
    ]


def test_a_share_has_pictures_and_labels_of_the_same_galaxies(
    folder: Path, tmp_path: Path
) -> None:
    known, fractions = read_fractions(find_files(folder)["solutions"])
    smaller: set[int] = set()
    for share in (0.25, 0.5, 1.0):
        out = tmp_path / f"{share}"
        number = write_share(folder, out, share)
        files = find_files(out)
        ids, labels = read_fractions(files["solutions"])
        assert number == len(ids) == round(share * len(TRAIN_IDS))
        assert [*list_jpegs(files["train_images"])] == ids.tolist()
        np.testing.assert_allclose(labels, fractions[np.isin(known, ids)], atol=1e-6)
        assert smaller <= {*ids.tolist()}
        smaller = {*ids.tolist()}
        assert len(list_jpegs(files["test_images"])) == 6
        assert write_share(folder, out, share) == number  # left as it is


def test_a_curve_without_fall_suggests_the_same_for_more_galaxies() -> None:
    found = extrapolate(points(n1000=0.09, n2000=0.09, n4000=0.09))
    assert found == pytest.approx((0.09, 0.09))


def test_the_range_holds_what_a_known_law_comes_to() -> None:
    law = {f"n{size}": 0.07 + 0.6 * size**-0.4 for size in (800, 1600, 3200, 6400)}
    found = extrapolate(points(**law), galaxies=60_000)
    assert found.low < 0.07 + 0.6 * 60_000**-0.4 < found.high < law["n6400"]
