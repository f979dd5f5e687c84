import dataclasses

import pytest

from pipeline.errors import PipelineError
from pipeline.settings.declaring import setting
from pipeline.settings.networks import PartnerConfig, TrainConfig
from pipeline.settings.parsing import checked
from pipeline.settings.presets import PRESETS
from pipeline.settings.schema import PredictConfig, make_settings, recipe_settings


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(PipelineError, match='Did you mean "gpu"'):
        make_settings("demo", "gpus")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"preprocess.crop_size": 40}, "Got image_size=86, crop_size=40"),
        ({"preprocess.crop_size": 500}, "crop_size <= 424"),
        ({"train.epochs": 0}, "train.epochs must be at least 1. Got 0"),
        ({"train.validation_fraction": 1.0}, "must lie between 0 and 1. Got 1.0"),
        (
            {"train.loss": "votes", "train.head": "sigmoid"},
            "needs shares .* Got train.head=sigmoid",
        ),
        ({"train.block_size": 0}, "train.block_size must be at least 1. Got 0"),
        ({"train.block_size": 5}, "of 40 px or more, in multiples of 40. Got 64"),
        ({"train.num_levels": 6}, "train.num_levels must be from 1 to 5. Got 6"),
        ({"train.num_levels": 5}, "of 128 px or more, in multiples of 128. Got 64"),
        ({"train.equivariant": False, "train.block_size": 5}, "in multiples of 5. Got"),
        (
            {"train.width": 20},
            "train.equivariant needs train.width in multiples of 8. Got 20",
        ),
        (
            {"train.view_size": 72},
            "of 16 px or more, in multiples of 16. Got 72",
        ),
        ({"train.num_folds": 0}, "train.num_folds must be at least 1. Got 0"),
        (
            {"predict.num_rotations": 0},
            "predict.num_rotations must be at least 1. Got 0",
        ),
        ({"predict.num_zooms": 2}, "predict.num_zooms must be odd, 1 at least. Got 2"),
        ({"predict.num_zooms": 3, "predict.zoom": 1.0}, "must be above 1 for several"),
        ({"train.weights": "x.txt"}, r'that ends in .h5 or .keras. Got "x.txt"'),
        ({"train.weights": "imagenet"}, "is for a backbone .*Got train.model=compact"),
        ({"train.reweight_from": 0.0}, "must lie between 0 and 1. Got 0.0"),
        ({"train.model": "dieleman2014"}, "of 99 px or more, .* Got 64"),
        ({"train.model": "dinov2"}, "in multiples of 14. Got 64"),
        ({"train.view_size": 63}, "smaller than preprocess.image_size=86 by an even"),
        ({"train.view_size": 88}, "smaller than preprocess.image_size=86 by an even"),
        (
            {"train.shrink_to": 66},
            "than the 64 px that the network sees. Got 66",
        ),
        ({"train.shrink_to": -1}, "train.shrink_to must not be negative. Got -1"),
        ({"train.shrink_to": 40}, "in multiples of 16. Got 40"),
        ({"export.name": "a/b"}, 'export.name is a bare file name.*Got "a/b"'),
        ({"demo.num_train": 3}, "demo.num_train >= 20"),
    ],
)
def test_values_that_cannot_be_are_refused(values: dict, message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        make_settings("demo", "compact", values)


@pytest.mark.parametrize(
    ("name", "bounds", "off", "bad"),
    [
        ("train.learning_rate", "1e-07 or more", None, (0.0, 1e-45, -1.0)),
        ("train.huber_delta", "from 0.0001 to 1", None, (0.0, 1e-45, 1e30)),
        ("train.warmup", "0, or from 0.0001 to 0.9", 0.0, (1e-45, 0.9999)),
        ("train.dropout", "0, or from 0.001 to 0.9", 0.0, (1e-45, 0.9999, 1.0)),
        ("train.ema_epochs", "0, or 0.001 or more", 0.0, (1e-45, -1.0)),
        ("train.zoom", "1, or from 1.001 to 10", 1.0, (0.5, 1.0000001, 1e9)),
        ("train.shift", "0, or from 0.1 to 212", 0.0, (1e-45, 1e9, -4.0)),
        ("train.colour", "0, or from 0.01 to 20", 0.0, (1e-45, 1e30, -0.1)),
        ("predict.zoom", "1, or from 1.001 to 10", None, (1.0000001, 1e300)),
        ("classify.tolerance", "from 0 to 0.1", 0.0, (1e9, -0.1)),
    ],
)
def test_a_number_that_would_do_nothing_or_harm_is_refused(
    name: str, bounds: str, off: float | None, bad: tuple[float, ...]
) -> None:
    for value in bad:
        with pytest.raises(PipelineError) as refusal:
            make_settings("demo", "compact", {name: value})
        assert str(refusal.value) == f"{name} must be {bounds}. Got {value}."
    if off is not None:
        make_settings("demo", "compact", {name: off})


def test_an_average_over_more_epochs_than_there_are_is_refused() -> None:
    epochs = {"train.epochs": 3, "train.reweight": False}
    with pytest.raises(PipelineError) as refusal:
        make_settings("demo", "compact", epochs | {"train.ema_epochs": 4.0})
    assert str(refusal.value) == (
        "train.ema_epochs must not exceed train.epochs: the average would be of "
        "untrained weights. Got 4.0 and 3."
    )
    make_settings("demo", "compact", epochs | {"train.ema_epochs": 3.0})


def test_a_decay_that_turns_weights_around_is_refused() -> None:
    values = {"train.weight_decay": 1e9, "train.learning_rate": 0.002}
    with pytest.raises(PipelineError) as refusal:
        make_settings("demo", "compact", values)
    assert str(refusal.value) == (
        "train.weight_decay times train.learning_rate must be below 1, so that weights "
        "keep their sign. Got 1000000000.0 and 0.002."
    )


def test_steps_have_no_warmup() -> None:
    steps = {"train.schedule": "steps", "train.warmup": 0.1}
    with pytest.raises(PipelineError) as refusal:
        make_settings("demo", "compact", steps)
    assert str(refusal.value) == (
        "train.schedule=steps starts at its highest rate. Got train.warmup=0.1: set "
        "train.warmup=0 with it."
    )
    make_settings("demo", "compact", steps | {"train.warmup": 0.0})


def test_the_winner_had_sixty_views_and_the_default_is_eight() -> None:
    assert make_settings("demo", "dieleman2014").predict.num_views == 60
    assert make_settings("demo", "tiny").predict.num_views == 8


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_sets_known_settings_to_values_they_take(preset: str) -> None:
    for key, value in PRESETS[preset].items():
        assert checked(key, value) == value
    make_settings("demo", preset)


PARTNER = {"partner.num_seeds": 1}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"partner.num_seeds": -1}, "partner.num_seeds must not be negative. Got -1"),
        ({"partner.epochs": 0}, "partner.epochs must be at least 1. Got 0"),
        ({"partner.epochs": 1}, "begin after epoch 1 of 1. Raise partner.epochs"),
        ({"partner.view_size": 95}, "partner.view_size must be smaller than preproc"),
        (
            {"partner.num_levels": 5},
            "partner.model=compact needs images .partner.sh",
        ),
        ({"partner.weights": "imagenet"}, "set partner.weights=none with it"),
        (
            {"partner.model": "resnet50", "partner.optimizer": "muon"},
            "partner.optimizer=muon is for compact, .* Got partner.model=resnet50",
        ),
        ({"train.ema_epochs": 3.0, "partner.epochs": 2}, "exceed partner.epochs"),
    ],
)
def test_a_partner_that_cannot_be_is_refused(values: dict, message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        make_settings("demo", "cpu", PARTNER | values)


def test_a_partner_has_what_is_not_of_a_kind_from_train() -> None:
    values = {"partner.epochs": 7, "train.seed": 5, "train.threads": 1}
    settings = make_settings("demo", "cpu", PARTNER | values)
    partner = settings.kinds["partner"]
    assert (partner.model, partner.weights, partner.epochs) == ("compact", "none", 7)
    assert (partner.loss, partner.seed, partner.threads) == ("votes", 5, 1)
    assert [*make_settings("demo", "cpu").kinds] == ["train"]


def test_a_partner_of_the_same_kind_would_be_the_same_network() -> None:
    own = make_settings("demo", "tiny").train
    names = [item.name for item in dataclasses.fields(PartnerConfig)]
    same = {f"partner.{name}": getattr(own, name) for name in names}
    for values in ({}, {"partner.epochs": 9}):  # longer, and else the same
        with pytest.raises(PipelineError, match=r"Raise train.num_seeds in place"):
            make_settings("demo", "tiny", same | values)
    make_settings("demo", "tiny", same | {"partner.width": 16})


@dataclasses.dataclass(frozen=True)
class Later:
    """A section that was given another setting after results had been made."""

    size: int = setting(3, "from the start")
    depth: int = setting(1, "since the second version", added=True)


def test_a_setting_added_later_names_results_only_where_it_is_not_at_its_default() -> (
    None
):
    assert recipe_settings(Later()) == {"size": 3}
    assert recipe_settings(Later(depth=2)) == {"size": 3, "depth": 2}


def test_results_of_before_there_were_precisions_keep_their_names() -> None:
    assert not {"precision", "deterministic"} & recipe_settings(TrainConfig()).keys()
    assert "precision" not in recipe_settings(PredictConfig())
    typed = recipe_settings(TrainConfig(precision="float32", deterministic=False))
    assert (typed["precision"], typed["deterministic"]) == ("float32", False)
