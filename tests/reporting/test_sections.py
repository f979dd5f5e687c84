import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pipeline.data.metrics import Score
from pipeline.data.tree import COLUMNS
from pipeline.reporting.pictures import Pictures
from pipeline.reporting.plot_files import PlotFiles
from pipeline.reporting.sections.agreement import agreement, classes
from pipeline.reporting.sections.learning import what_is_drawn
from pipeline.reporting.sections.overview import standing
from pipeline.reporting.sections.seen import barred_spiral, what_is_seen
from pipeline.reporting.sections.test_set import extreme_galaxies
from pipeline.runs.contents import HeldOut
from pipeline.settings.networks import TrainConfig
from pipeline.settings.schema import make_settings
from tests.miniature import some_fractions

PLAIN = TrainConfig(
    rotate=False, flip=False, zoom=1, shift=0, colour=0, ema_epochs=0, dropout=0
)


def test_a_run_stands_between_those_it_beats_and_those_it_does_not() -> None:
    found = standing(Score(0.08, 0.003), comparable=True)
    assert found["place"] == "between 3rd and 9th"
    assert found["place_note"] == (
        "by the RMSE expected on the test set, 0.0800 ± 0.0030: from “2nd (after "
        "0.07492)” to “after 9th (0.08246)”"
    )
    assert [row["who"] for row in found["standings"]] == [
        "1st of 2014",
        "2nd of 2014",
        "3rd of 2014",
        "this run, expected",
        "9th of 2014",
        "central pixel benchmark",
    ]


def test_other_test_galaxies_than_kaggles_have_no_place() -> None:
    found = standing(Score(0.08, 0.003), comparable=False)
    assert found["place"] == "not comparable"
    assert all(not row["ours"] for row in found["standings"])
    unknown = standing(None, comparable=True)
    assert unknown["place"] == "unknown"
    assert all(not row["ours"] for row in unknown["standings"])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, set()),
        ({"flip": True}, {"augmented"}),
        ({"colour": 0.5}, {"augmented"}),
        ({"dropout": 0.3}, {"with dropout 0.3"}),
        ({"ema_epochs": 1.0}, {"averaged weights"}),
        ({"reweight": True}, {"reweighted"}),
    ],
)
def test_captions_of_curves_name_what_is_set(
    changes: dict[str, object], told: set[str]
) -> None:
    caption = what_is_drawn(dataclasses.replace(PLAIN, **changes))
    words = ("augmented", "with dropout 0.3", "averaged weights", "reweighted")
    assert {word for word in words if word in caption} == told


def test_a_galaxy_stands_for_one_answer_only() -> None:
    fractions = np.zeros((4, 37))
    fractions[2, COLUMNS.index("Class1.1")] = 0.9
    # the same galaxy is the first of this one too, so the next best stands there
    fractions[2, COLUMNS.index("Class1.2")] = 0.8
    fractions[1, COLUMNS.index("Class1.2")] = 0.7
    found = extreme_galaxies(np.array([6, 7, 8, 9]), fractions)
    assert found[8] == "Smooth, or features? smooth, 0.90"
    assert found[7] == "Smooth, or features? features or disk, 0.70"
    assert len(found) == 4


def targets_with(**columns: list[float]) -> np.ndarray:
    """(3, 37) with these columns, the others 0."""
    targets = np.zeros((3, 37))
    for name, values in columns.items():
        targets[:, COLUMNS.index(name.replace("_", "."))] = values
    return targets


def test_augmentation_is_shown_of_a_barred_spiral() -> None:
    bars, arms = [0.9, 0.6, 0.1], [0.1, 0.5, 0.9]
    assert barred_spiral(targets_with(Class3_1=bars, Class4_1=arms)) == 1
    # nobody saw both: what has features
    features = targets_with(Class1_2=[0.1, 0.2, 0.3], Class3_1=[0.2, 0, 0])
    assert barred_spiral(features) == 2
    assert barred_spiral(targets_with()) == 0


@pytest.mark.parametrize(("preset", "shown"), [("tiny", 12), ("sirressi2020", 0)])
def test_no_augmentation_no_augmented_galaxies(preset: str, shown: int) -> None:
    settings = make_settings("demo", preset)
    size = settings.preprocess.image_size
    data = HeldOut(np.array([7]), some_fractions(1), some_fractions(1))
    pictures = Pictures({7: np.zeros((424, 424, 3), np.uint8)}, True)
    image = np.zeros((size, size, 3), np.uint8)
    found = what_is_seen(settings, data, 0, pictures, image)
    assert len(found["augmented"]) == shown
    assert bool(found["augmentation"]) == bool(shown)
    assert len(found["views"]) == 3


def test_what_the_network_sees_is_its_view() -> None:
    sizes = {"preprocess.image_size": 64, "train.view_size": 48}
    settings = make_settings("demo", "compact", sizes)
    image = np.zeros((64, 64, 3), np.uint8)
    image[8:56, 8:56] = 200
    data = HeldOut(np.array([7]), some_fractions(1), some_fractions(1))
    pictures = Pictures({7: np.zeros((424, 424, 3), np.uint8)}, False)
    (view,) = what_is_seen(settings, data, 0, pictures, image)["views"]
    assert view["text"] == "What the network sees: the central 48 of 64 px"
    assert view["photo"].size == (384, 384)  # each pixel a square of 8


def test_classes_are_counted_the_volunteers_commonest_first() -> None:
    smooth, star = np.zeros(37), np.zeros(37)
    smooth[[0, 15, 14]] = star[[2, 14]] = 1
    targets = np.stack([smooth, smooth, star])
    data = HeldOut(np.arange(3), np.stack([smooth, star, star]), targets)
    found = classes(data)
    assert found["classes"] == [
        ("smooth, completely round", 2, 1, 1),
        ("star or artifact", 1, 2, 1),
    ]
    assert (found["num_same"], found["num_galaxies"]) == (2, 3)


def test_a_sky_without_a_single_spiral_has_its_plots_all_the_same(
    tmp_path: Path,
) -> None:
    smooth = np.zeros((3, 37))
    smooth[:, [0, 15, 14]] = 1
    smooth[1, [15, 16]] = 0.4, 0.6
    data = HeldOut(np.arange(3), smooth, smooth.astype(np.float32))
    assert agreement(PlotFiles(tmp_path), data)["gap"] == pytest.approx(0, abs=1e-6)
