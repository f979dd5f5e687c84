import pytest

from pipeline.config import make_config
from pipeline.errors import PipelineError
from pipeline.parsing import checked
from pipeline.presets import PRESETS


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(PipelineError, match='Did you mean "gpu"'):
        make_config("demo", "gpus")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"preprocess.crop_size": 40}, "Got image_size=64, crop_size=40"),
        ({"preprocess.crop_size": 500}, "crop_size <= 424"),
        ({"train.epochs": 0}, "train.epochs must be at least 1. Got 0"),
        ({"train.dropout": 1.0}, r"train.dropout must be in \[0, 1\). Got 1.0"),
        ({"train.learning_rate": 0.0}, "train.learning_rate must be above 0"),
        ({"train.zoom": 0.5}, "train.zoom must be at least 1. Got 0.5"),
        ({"train.validation_fraction": 1.0}, "must lie between 0 and 1. Got 1.0"),
        (
            {"train.loss": "votes", "train.head": "sigmoid"},
            "needs shares .* Got train.head=sigmoid",
        ),
        ({"train.block": 0}, "train.block must be at least 1. Got 0"),
        ({"train.block": 5}, "of 40 px or more, in multiples of 5. Got 48"),
        ({"train.partners": "bes"}, 'unknown preset "bes". Did you mean "best"'),
        ({"train.partners": "dieleman2014"}, "of 99 px or more, .* Got 64"),
        ({"train.folds": 0}, "train.folds must be at least 1. Got 0"),
        ({"predict.turns": 0}, "predict.turns must be at least 1. Got 0"),
        ({"predict.zooms": 2}, "predict.zooms must be odd, 1 at least. Got 2"),
        ({"predict.zooms": 3, "predict.zoom": 1.0}, "must be above 1 for several"),
        ({"train.colour": -0.1}, "train.colour must not be negative. Got -0.1"),
        ({"train.weights": "x.txt"}, r'that ends in .h5 or .keras. Got "x.txt"'),
        ({"train.weights": "imagenet"}, "is for a backbone .*Got train.model=compact"),
        ({"train.resemble_after": 0.0}, "must lie between 0 and 1. Got 0.0"),
        ({"train.model": "dieleman2014"}, "of 99 px or more, .* Got 48"),
        ({"train.model": "dinov2"}, "in multiples of 14. Got 48"),
        ({"train.view_size": 47}, "smaller than preprocess.image_size=64 by an even"),
        ({"train.view_size": 66}, "smaller than preprocess.image_size=64 by an even"),
        ({"export.name": "a/b"}, 'export.name is a bare file name.*Got "a/b"'),
        ({"demo.num_train": 3}, "demo.num_train >= 20"),
    ],
)
def test_values_that_cannot_be_are_refused(values: dict, message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        make_config("demo", "compact", values)


def test_partners_have_their_own_training_and_this_runs_folds() -> None:
    knobs = {"train.partners": "tiny, cpu", "train.seeds": 2, "train.seed": 5}
    knobs |= {"train.resemble": True, "train.resemble_after": 0.5}
    knobs |= {"train.validation_fraction": 0.2}
    config = make_config("demo", "compact", knobs)
    found = [(member.partner, member.train.seed) for member in config.members()]
    assert found == [("", 5), ("", 6), ("tiny", 5), ("cpu", 5)]
    tiny, cpu = (member.train for member in config.members()[2:])
    assert (tiny.width, cpu.model) == (8, "efficientnetlite0")
    assert {member.train.validation_fraction for member in config.members()} == {0.2}
    assert {member.train.resemble_after for member in config.members()} == {0.5}
    assert all(member.train.resemble for member in config.members())


def test_a_partner_named_twice_is_two_networks() -> None:
    knobs = {"train.partners": "tiny,tiny", "train.seeds": 1}
    members = make_config("demo", "compact", knobs).members()
    found = [(member.partner, member.train.seed) for member in members]
    assert found == [("", 0), ("tiny", 0), ("tiny", 1)]


@pytest.mark.parametrize(
    ("stretch", "epochs"), [(1.0, [10, 3]), (2.4, [24, 7]), (0.01, [1, 1])]
)
def test_a_stretch_holds_for_every_network(stretch: float, epochs: list[int]) -> None:
    knobs = {"train.epochs": 10, "train.seeds": 1, "train.partners": "tiny"}
    config = make_config("demo", "compact", knobs | {"train.stretch": stretch})
    assert [member.train.epochs for member in config.members()] == epochs
    # it has done its work
    assert {member.train.stretch for member in config.members()} == {1.0}


def test_partners_are_trained_on_every_fold() -> None:
    knobs = {"train.partners": "tiny", "train.folds": 2, "train.seeds": 1}
    members = make_config("demo", "compact", knobs).members()
    assert [member.fold for member in members] == [0, 1, 0, 1]


def test_the_winner_had_sixty_copies_and_the_default_is_eight() -> None:
    assert make_config("demo", "dieleman2014").predict.num_copies == 60
    assert make_config("demo", "tiny").predict.num_copies == 8


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_sets_known_knobs_to_values_they_take(preset: str) -> None:
    for key, value in PRESETS[preset].items():
        assert checked(key, value) == value
    make_config("demo", preset)
