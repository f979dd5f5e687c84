from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.settings import Typed, remember, settle
from pipeline.sources.credentials import find_credentials
from pipeline.workdir import PROJECT


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for name in ("API_TOKEN", "USERNAME", "KEY", "CONFIG_DIR"):
        monkeypatch.delenv(f"KAGGLE_{name}", raising=False)


def test_without_credentials_auto_is_the_demo_and_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    config, work = settle(Typed())
    assert config.source == "demo"
    assert work.root == PROJECT / "work" / "demo"
    assert "No Kaggle credentials found: using the DEMO SKY" in caplog.text


def test_with_credentials_auto_is_kaggle_and_says_which_not_what(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("KAGGLE_USERNAME", "someone")
    monkeypatch.setenv("KAGGLE_KEY", "s3cret")
    assert settle(Typed())[0].source == "kaggle"
    assert "KAGGLE_USERNAME and KAGGLE_KEY" in caplog.text
    assert "s3cret" not in caplog.text


def test_credentials_are_found_in_the_clients_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "home" / ".kaggle"
    folder.mkdir(parents=True)
    (folder / "kaggle.json").write_text('{"username": "u", "key": "k"}')
    assert find_credentials() == f"a user name and key in {folder / 'kaggle.json'}"
    (folder / "access_token").write_text("t")
    assert find_credentials() == f"an access token in {folder / 'access_token'}"
    monkeypatch.setenv("KAGGLE_API_TOKEN", "t")
    assert find_credentials() == "an access token in KAGGLE_API_TOKEN"


def test_each_source_has_its_own_default_folder(folder: Path) -> None:
    assert settle(Typed(source="demo"))[1].root == PROJECT / "work" / "demo"
    config, work = settle(Typed(source=str(folder)))
    assert work.root == PROJECT / "work" / "competition"
    assert config.source == str(folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"auto, kaggle, demo or a folder.*nowhere"):
        settle(Typed(source=str(tmp_path / "nowhere")))


def run(typed: Typed) -> tuple:
    """What a stage does with what was typed."""
    config, work = settle(typed)
    remember(config, typed, work)
    return config, work


def test_a_work_directory_remembers_what_it_was_made_by(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    run(Typed(folder, "demo", "tiny", set_values={"train.epochs": 9}))
    run(Typed(folder, set_values={"train.width": 5}))
    config, _ = settle(Typed(folder))
    assert (config.source, config.preset) == ("demo", "tiny")
    assert (config.train.epochs, config.train.width) == (9, 5)


def test_what_is_set_now_beats_what_is_remembered(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    run(Typed(folder, "demo", "tiny", set_values={"train.epochs": 9}))
    config, _ = settle(Typed(folder, file_values={"train.epochs": 4}))
    assert config.train.epochs == 4


def test_a_preset_given_anew_starts_afresh(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    run(Typed(folder, "demo", "tiny", set_values={"train.epochs": 9}))
    config, _ = run(Typed(folder, preset="tiny"))
    assert config.train.epochs == 3
    assert settle(Typed(folder))[0].train.epochs == 3


def test_two_sources_never_share_a_work_directory(tmp_path: Path, folder: Path) -> None:
    shared = str(tmp_path / "w")
    run(Typed(shared, "demo", "tiny"))
    with pytest.raises(
        PipelineError, match=r"holds a run on demo, not on .*competition"
    ):
        settle(Typed(shared, str(folder)))
