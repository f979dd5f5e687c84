from collections.abc import Iterator

import pytest

from pipeline.backend import start_keras

start_keras()

from pipeline.pace import seconds_per_image  # noqa: E402


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
