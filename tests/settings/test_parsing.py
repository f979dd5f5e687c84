from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.settings.parsing import NEW_NAMES, parse_settings, read_settings_file
from pipeline.settings.presets import PRESETS
from pipeline.settings.schema import all_settings, make_settings


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
        ("train.seeds=3", 'Setting "train.seeds" is called "train.num_seeds" now.'),
        ("predict.also=a", 'Setting "predict.also" is called "predict.blend_with" n'),
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


def test_every_old_name_leads_to_a_setting_of_today() -> None:
    assert set(NEW_NAMES.values()) <= set(all_settings())
    assert not set(NEW_NAMES) & set(all_settings())


def test_a_file_may_name_source_and_preset_and_paths_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('source = "demo"\npreset = "tiny"\n[export]\nfolder = "csv"\n')
    asked = read_settings_file(file)
    assert (asked.source, asked.preset) == ("demo", "tiny")
    assert asked.values == {"export.folder": str(tmp_path / "csv")}
    file.write_text('source = "sky"')
    assert read_settings_file(file).source == str(tmp_path / "sky")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"Cannot read .*none\.toml: No such file"):
        read_settings_file(tmp_path / "none.toml")
