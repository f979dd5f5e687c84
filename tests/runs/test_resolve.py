from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.runs.graph import Run
from pipeline.runs.paths import PROJECT
from pipeline.runs.resolve import Typed, remember, settle
from tests.kaggle_shell import isolate


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path / "home")


def test_why_a_source_was_chosen_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = settle(Typed())
    assert run.settings.source == "demo"
    assert run.work.root == PROJECT / "work" / "demo"
    assert "No Kaggle credentials found: using the DEMO SKY" in caplog.text


def test_each_source_has_its_own_default_folder(folder: Path) -> None:
    assert settle(Typed(source="demo")).work.root == PROJECT / "work" / "demo"
    run = settle(Typed(source=str(folder)))
    assert run.work.root == PROJECT / "work" / "competition"
    assert run.settings.source == str(folder)


def test_a_work_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w").touch()
    with pytest.raises(PipelineError, match=r"--work takes a folder\. .*w is a file\."):
        settle(Typed(str(tmp_path / "w"), "demo"))


def start(typed: Typed) -> Run:
    """What a stage does with what was typed."""
    run = settle(typed)
    remember(run, typed)
    return run


def test_a_work_directory_remembers_what_it_was_made_by(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    start(Typed(folder, "demo", "tiny", set_values={"train.epochs": 9}))
    start(Typed(folder, set_values={"train.width": 5}))
    settings = settle(Typed(folder)).settings
    assert (settings.source, settings.preset) == ("demo", "tiny")
    assert (settings.train.epochs, settings.train.width) == (9, 5)


def test_what_is_set_now_beats_what_is_remembered(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    start(Typed(folder, "demo", "tiny", set_values={"train.epochs": 9}))
    settings = settle(Typed(folder, file_values={"train.epochs": 4})).settings
    assert settings.train.epochs == 4


def test_a_preset_given_anew_starts_afresh(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    start(Typed(folder, "demo", "tiny", set_values={"train.epochs": 9}))
    assert start(Typed(folder, preset="tiny")).settings.train.epochs == 3
    assert settle(Typed(folder)).settings.train.epochs == 3


def test_two_sources_never_share_a_work_directory(tmp_path: Path, folder: Path) -> None:
    shared = str(tmp_path / "w")
    start(Typed(shared, "demo", "tiny"))
    with pytest.raises(
        PipelineError, match=r"holds a run on demo, not on .*competition"
    ):
        settle(Typed(shared, str(folder)))
