from typing import Any

import pytest

from pipeline.errors import Misuse
from pipeline.settings.planning import (
    Pace,
    Plan,
    epochs_in_time,
    plan_within,
    side_by_side,
)
from pipeline.settings.schema import make_settings

PACE = Pace(epoch=60.0, view=10.0, beside=0.0)  # seconds
NO_REPORT = {"report.make": False}  # then 5 seconds come after the predictions


def planned(seconds: float, pace: Pace = PACE, at_once: int = 1, **train: Any) -> Plan:
    """By the preset cpu: 14 epochs, 24 views."""
    values = {f"train.{key}": value for key, value in train.items()}
    settings = make_settings("demo", "cpu", NO_REPORT | values | {"minutes": 1.0})
    return plan_within(seconds, {"train": pace}, settings, at_once)


def counts(plan: Plan) -> tuple[int, int]:
    """Epochs and networks of the first kind."""
    return plan.epochs["train"], plan.num_seeds["train"]


def test_the_time_goes_into_views_first_and_then_into_epochs() -> None:
    # of 995 s a quarter is 249 s: 24 views, at 10 s each, fit
    plan = planned(1000 / 0.96)
    assert (plan.num_rotations, plan.num_zooms) == (4, 3)
    # 755 s are left: 12 epochs of 60 s
    assert counts(plan) == (12, 1)
    assert (plan.training_seconds, plan.prediction_seconds) == (720, 240)


def test_views_are_fewer_where_they_took_more_than_a_quarter() -> None:
    plan = planned(900 / 0.96)  # 24 views take 240 s of 895 s
    assert (plan.num_rotations, plan.num_zooms) == (4, 1)
    assert plan.prediction_seconds == 80
    assert counts(plan) == (13, 1)  # of 815 s
    assert planned(300 / 0.96).num_rotations == 2  # 4 views take 40 s of 295 s


def test_an_epoch_more_than_thrice_those_asked_for_is_never_trained() -> None:
    plan = planned(3500 / 0.96)
    assert counts(plan) == (42, 1)


def test_more_networks_than_asked_for_each_have_twice_the_epochs() -> None:
    # two networks with 28 epochs each take 2 * (28 * 60 + 240) = 3840 s
    plan = planned(3850 / 0.96)
    assert counts(plan) == (28, 2)
    assert counts(planned(3830 / 0.96))[1] == 1


def test_networks_asked_for_are_made_where_each_has_two_thirds_of_its_epochs() -> None:
    # three with 10 of 14 epochs each take 3 * (10 * 60 + 240) = 2520 s
    plan = planned(2530 / 0.96, num_seeds=3)
    assert counts(plan) == (10, 3)
    # two have (2510 - 480) / 120 epochs each
    fewer = planned(2510 / 0.96, num_seeds=3)
    assert counts(fewer) == (16, 2)


def test_networks_side_by_side_take_the_time_of_one_but_for_their_views() -> None:
    # 14 epochs at a time in 840 s, views of two networks in 480 s
    plan = planned(1330 / 0.96, at_once=2, num_seeds=2)
    assert counts(plan) == (14, 2)
    assert (plan.training_seconds, plan.prediction_seconds) == (840, 480)
    # a third one would have a round of its own
    assert counts(planned(2500 / 0.96, at_once=2, num_seeds=3))[1] == 3
    assert counts(planned(2500 / 0.96, at_once=3, num_seeds=3))[0] == 29


def test_folds_share_the_time() -> None:
    plan = planned(5000 / 0.96, num_folds=5)
    assert counts(plan) == (12, 1)  # of 999 s for each, 240 s of them for its views
    assert plan.training_seconds == 5 * 720


def test_too_little_time_is_told_with_what_is_enough() -> None:
    # two epochs of 60 s, 2 views of 10 s, 5 s: 145 s, and 4 % to spare
    with pytest.raises(Misuse, match=r"takes about 2\.5 minutes on this machine"):
        planned(60)


@pytest.mark.parametrize(
    ("available", "later", "epochs"),
    [
        *((600, 0, 10), (599, 0, 9), (300, 0, 7), (-5, 0, 4)),
        *((1200, 600, 10), (600, 600, 7)),
    ],
)
def test_epochs_are_left_out_where_time_is_short(
    available: float, later: float, epochs: int
) -> None:
    # 4 of 10 are over, and each of the other 6 takes 100 s
    assert epochs_in_time(10, 4, 100, available, later) == epochs


TWO = {"partner.num_seeds": 1, "partner.epochs": 28}


def planned_for_two(seconds: float, at_once: int = 1, **values: Any) -> Plan:
    """Of cpu, 14 epochs, and a partner with 28 epochs that takes 30 s for each."""
    paces = {"train": PACE, "partner": Pace(epoch=30.0, view=5.0, beside=0.0)}
    settings = make_settings("demo", "cpu", NO_REPORT | TWO | {"minutes": 1.0} | values)
    return plan_within(seconds, paces, settings, at_once)


def test_both_kinds_have_the_same_part_of_their_epochs() -> None:
    # 12 of 14 and 24 of 28 epochs take 720 s each, the views 240 and 120 s
    plan = planned_for_two(1820 / 0.96)
    assert plan.num_seeds == {"train": 1, "partner": 1}
    assert plan.epochs == {"train": 12, "partner": 24}
    assert (plan.training_seconds, plan.prediction_seconds) == (1440, 360)


def test_both_kinds_take_the_time_of_the_longer_one_where_they_are_side_by_side() -> (
    None
):
    plan = planned_for_two(1220 / 0.96, at_once=2)  # 840 s, and 360 s of views
    assert plan.epochs == {"train": 14, "partner": 28}
    assert (plan.training_seconds, plan.prediction_seconds) == (840, 360)


def test_the_first_kind_is_alone_where_both_would_have_too_few_epochs() -> None:
    # two thirds of 14 are 10: 600 s each, and 360 s of views
    assert planned_for_two(1575 / 0.96).num_seeds == {"train": 1, "partner": 1}
    plan = planned_for_two(1555 / 0.96)
    assert plan.num_seeds == {"train": 1, "partner": 0}
    assert plan.epochs["train"] == 21  # of 1310 s
    assert plan.chosen["partner_num_seeds"] == 0


def test_networks_of_a_kind_are_fewer_before_the_other_kind_is_left_out() -> None:
    # as asked for: 10 epochs each for three of the first kind and one of the other
    three = {"train.num_seeds": 3}
    whole = 3 * (600 + 240) + 600 + 120
    assert planned_for_two((whole + 10) / 0.96, **three).num_seeds == {
        "train": 3,
        "partner": 1,
    }
    assert planned_for_two((whole - 10) / 0.96, **three).num_seeds == {
        "train": 2,
        "partner": 1,
    }


@pytest.mark.parametrize(
    ("seconds", "at_once", "queues"),
    [
        ([5, 5, 5], 1, [[0, 1, 2]]),
        ([5, 5, 5], 2, [[0, 2], [1]]),
        ([2, 9, 3, 3], 2, [[0, 2, 3], [1]]),
        ([4], 2, [[0], []]),
    ],
)
def test_a_training_begins_where_there_is_room_first(
    seconds: list[float], at_once: int, queues: list[list[int]]
) -> None:
    assert side_by_side(seconds, at_once) == queues
