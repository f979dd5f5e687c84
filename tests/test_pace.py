from collections.abc import Iterator

import pytest

from pipeline.backend import start_keras

start_keras()

from pipeline.pace import epochs_within, seconds_per_image  # noqa: E402


@pytest.mark.parametrize(
    ("seconds", "per_epoch", "epochs"),
    [(60, 10, 6), (60, 25, 2), (60, 23, 3), (60, 1000, 1), (0.1, 3, 1)],
)
def test_as_many_epochs_as_come_nearest_to_the_time(
    seconds: float, per_epoch: float, epochs: int
) -> None:
    assert epochs_within(seconds, per_epoch) == epochs


def test_the_first_steps_do_not_count() -> None:
    now = 0.0

    def steps() -> Iterator[int]:
        nonlocal now
        for seconds in (50, 7, 7, 2, 2, 2, 2, 2):  # three to warm up, then the rest
            now += seconds
            yield 4

    assert seconds_per_image(steps(), 5, clock=lambda: now) == pytest.approx(2 / 4)
    assert now == 50 + 7 + 7 + 3 * 2


def test_one_slow_step_is_enough() -> None:
    now = 0.0

    def steps() -> Iterator[int]:
        nonlocal now
        while True:
            now += 100
            yield 10

    assert seconds_per_image(steps(), 5, clock=lambda: now) == pytest.approx(10)
