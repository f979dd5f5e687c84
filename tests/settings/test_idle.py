from pathlib import Path

import pytest

from pipeline.errors import Misuse
from pipeline.settings.idle import idle
from pipeline.settings.presets import PRESETS
from pipeline.settings.schema import make_settings
from tests.terminal import Terminal


@pytest.mark.parametrize(
    ("preset", "wished", "needed"),
    [
        ("cpu", {"train.width": 8}, "train.model=compact"),
        ("cpu", {"train.block_size": 4}, "train.model=compact"),
        ("cpu", {"train.num_levels": 3}, "train.model=compact"),
        ("cpu", {"train.equivariant": True}, "train.model=compact"),
        ("cpu", {"partner.epochs": 9}, "partner.num_seeds above 0"),
        ("cpu", {"partner.width": 8}, "partner.num_seeds above 0"),
        ("cpu", {"train.huber_delta": 0.5}, "train.loss=huber"),
        (
            "sirressi2020",
            {"train.weight_decay": 0.1},
            "another train.optimizer than adam",
        ),
        (
            "tiny",
            {"train.weight_decay": 1e-45},
            "a product with train.learning_rate of 3e-08 or more",
        ),
        ("tiny", {"train.reweight_from": 0.5}, "train.reweight=true"),
        ("tiny", {"train.validation_fraction": 0.2}, "train.num_folds=1"),
        ("tiny", {"predict.zoom": 1.5}, "predict.num_zooms above 1"),
    ],
)
def test_a_setting_that_does_nothing_is_told_of(
    preset: str, wished: dict, needed: str
) -> None:
    folds = {"train.num_folds": 1 + ("train.validation_fraction" in wished)}
    (told,) = idle(make_settings("demo", preset, wished | folds), wished)
    ((key, value),) = wished.items()
    assert told == (
        f"{key}={value} does nothing without {needed}. Leave it out, or set that with "
        "it."
    )


def test_settings_of_the_demo_sky_are_for_it_alone(tmp_path: Path) -> None:
    wished = {"demo.num_train": 30}
    (told,) = idle(make_settings(str(tmp_path), "tiny", wished), wished)
    assert told == "demo.num_train does nothing without --source demo. Leave it out."
    assert not [*idle(make_settings("demo", "tiny", wished), wished)]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_presets_own_values_may_stand(preset: str) -> None:
    settings = make_settings("demo", preset)
    assert not list(idle(settings, PRESETS[preset]))


def test_it_is_refused_where_it_is_typed(terminal: Terminal) -> None:
    words = ("--source", "demo", "--preset", "cpu", "--set", "train.width=30")
    assert terminal.type("all", *words) == 2
    assert terminal.error == (
        "train.width=30 does nothing without train.model=compact. Leave it out, or "
        "set that with it."
    )
    assert not terminal.work.exists()


@pytest.mark.parametrize("model", ["efficientnetlite0", "resnet50", "dieleman2014"])
def test_muon_is_refused_where_it_would_step_for_no_layer(model: str) -> None:
    size = {"preprocess.image_size": 99}
    values = {"train.model": model, "train.optimizer": "muon", "train.width": 24}
    with pytest.raises(Misuse) as refusal:
        make_settings("demo", "compact", values | size | {"train.view_size": 0})
    assert str(refusal.value) == (
        f"train.optimizer=muon is for compact, convnexttiny, dinov2. Got train.model="
        f"{model}: set train.optimizer=adamw with it."
    )


@pytest.mark.parametrize(("epochs", "share", "first"), [(1, 0.67, 1), (2, 0.9, 2)])
def test_reweighting_that_would_never_begin_is_refused(
    epochs: int, share: float, first: int
) -> None:
    values = {"train.epochs": epochs, "train.reweight_from": share}
    with pytest.raises(Misuse) as refusal:
        make_settings("demo", "cpu", values)
    assert str(refusal.value) == (
        f"train.reweight would begin after epoch {first} of {epochs}. Raise "
        "train.epochs, lower train.reweight_from, or set train.reweight=false."
    )
    make_settings("demo", "cpu", values | {"train.reweight": False})
