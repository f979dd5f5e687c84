"""What a run is said to take, against what tests/memory.py measured."""

import pytest

from pipeline.runs.memory import memory_needed, told_memory
from pipeline.settings.schema import make_settings

LARGE = {"preprocess.crop_size": 256, "preprocess.image_size": 224}


@pytest.mark.parametrize(
    ("preset", "settings", "measured"),
    [
        ("cpu", {}, 1.1),
        ("cpu", {"train.batch_size": 64}, 1.2),
        ("cpu", {**LARGE}, 1.8),
        ("compact", {}, 0.69),
        ("sirressi2020", {}, 0.6),
        ("dieleman2014", {}, 1.8),
        ("gpu", {"preprocess.image_size": 96, "train.batch_size": 32}, 3.35),
    ],
)
def test_a_run_takes_what_was_measured_or_little_more(
    preset: str, settings: dict[str, object], measured: float
) -> None:
    told = memory_needed(make_settings("demo", preset, settings)) / 1e9
    assert measured <= told <= 1.4 * measured


def test_the_largest_step_counts() -> None:
    cpu = memory_needed(make_settings("demo", "cpu"))
    few = make_settings("demo", "cpu", {"train.batch_size": 1})
    assert memory_needed(few) == cpu  # prediction takes more
    many = make_settings("demo", "cpu", {"train.batch_size": 512})
    assert memory_needed(many) > 2 * cpu


def test_what_was_not_measured_is_not_known() -> None:
    settings = make_settings("demo", "cpu", {"train.model": "dinov2"} | LARGE)
    assert memory_needed(settings) is None
    assert told_memory(settings, 8 * 10**9) == (
        "8.0 GB; how much dinov2 takes is not known"
    )


def test_fewer_images_of_large_ones_are_predicted_at_once() -> None:
    def told(size: int) -> int:
        values = LARGE | {"preprocess.image_size": size, "train.batch_size": 1}
        return memory_needed(make_settings("demo", "cpu", values))

    assert told(224) == pytest.approx(told(96), rel=0.01)
