from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.settings.parsing import parse_settings, read_settings_file
from pipeline.settings.presets import PRESETS
from pipeline.settings.schema import make_settings


def test_set_beats_file_beats_preset(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[train]\nepochs = 7\nwidth = 9\n")
    values = read_settings_file(file).values | parse_settings(["train.width=11"])
    settings = make_settings("demo", "tiny", values)
    assert (settings.train.epochs, settings.train.width) == (7, 11)
    assert settings.train.batch_size == PRESETS["tiny"]["train.batch_size"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("train.learning_rate=1e-3", 0.001),
        ("train.learning_rate=1", 1.0),
        ("train.flip=no", False),
        ("predict.num_rotations=1", 1),
        ("train.loss=huber", "huber"),
        ("export.name=a=b", "a=b"),
    ],
)
def test_values_take_the_type_of_their_setting(setting: str, value: object) -> None:
    (parsed,) = parse_settings([setting]).values()
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "train.epoch=3",
            'Unknown setting "train.epoch". Did you mean "train.epochs"?',
        ),
        ("epochs=3", 'Unknown setting "epochs". Did you mean "train.epochs"?'),
        ("predict.epochs=3", 'Did you mean "train.epochs"?'),
        ("train.epochs=3.5", 'train.epochs takes an integer. Got "3.5".'),
        ("train.epochs=many", 'train.epochs takes an integer. Got "many".'),
        ("train.zoom=nan", 'train.zoom takes a number. Got "nan".'),
        ("train.flip=perhaps", 'train.flip takes true or false. Got "perhaps".'),
        ("train.loss=mae", "train.loss takes one of mse, huber, votes. Got"),
        ("train.epochs", '--set takes section.key=value. Got "train.epochs".'),
    ],
)
def test_a_bad_setting_is_refused_with_what_is_right(
    setting: str, message: str
) -> None:
    with pytest.raises(PipelineError) as refusal:
        parse_settings([setting])
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[train]\nepochs = 'x'\n", 'train.epochs takes an integer. Got "x".'),
        ("[train]\nepochs = true\n", 'train.epochs takes an integer. Got "True".'),
        (
            "[trian]\nepochs = 1\n",
            'there is no section "trian". Did you mean "train.epochs"?',
        ),
        ("[train\n", "is not valid TOML"),
    ],
)
def test_a_bad_file_is_refused_with_what_is_right(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(PipelineError) as refusal:
        read_settings_file(file)
    assert message in str(refusal.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"Cannot read .*none\.toml: No such file"):
        read_settings_file(tmp_path / "none.toml")
