import shutil
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.runs.graph import Run
from pipeline.runs.ownership import claim
from pipeline.runs.paths import PROJECT
from pipeline.runs.resolve import Resolved, Typed, settle
from pipeline.runs.saved import save_settings
from pipeline.settings.parsing import SettingsFile
from pipeline.stages.download import download
from tests.kaggle_shell import isolate


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path / "home")


def run_of(typed: Typed) -> Run:
    return settle(typed).run


def start(typed: Typed) -> Resolved:
    """What `all` does with what was typed."""
    resolved = settle(typed)
    claim(resolved.run)
    save_settings(resolved.run, resolved.saved | typed.all_values, typed.unset)
    return resolved


def test_a_source_that_nobody_named_has_its_reason() -> None:
    resolved = settle(Typed())
    assert resolved.run.settings.source == "demo"
    assert resolved.run.work.root == PROJECT / "work" / "demo"
    assert "No Kaggle credentials found: using the DEMO SKY" in resolved.why
    assert not settle(Typed(source="demo")).why


def test_each_source_has_its_own_default_folder(folder: Path) -> None:
    assert run_of(Typed(source="demo")).work.root == PROJECT / "work" / "demo"
    run = run_of(Typed(source=str(folder)))
    assert run.work.root == PROJECT / "work" / "competition"
    assert run.settings.source == str(folder)


def test_a_work_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w").touch()
    with pytest.raises(PipelineError, match=r"--work takes a folder\. .*w is a file\."):
        settle(Typed(str(tmp_path / "w"), "demo"))


def test_a_work_directory_keeps_what_it_was_made_by(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    start(Typed(folder, "demo", "tiny", values={"train.epochs": 9}))
    start(Typed(folder, values={"train.width": 5}))
    settings = run_of(Typed(folder)).settings
    assert (settings.source, settings.preset) == ("demo", "tiny")
    assert (settings.train.epochs, settings.train.width) == (9, 5)


def test_command_line_beats_file_beats_saved_beats_preset(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    saved = {"train.epochs": 9, "train.width": 9, "train.batch_size": 9}
    start(Typed(folder, "demo", "tiny", values=saved))
    file = SettingsFile({"train.epochs": 4, "train.width": 4})
    resolved = settle(Typed(folder, file=file, values={"train.epochs": 2}))
    train = resolved.run.settings.train
    assert (train.epochs, train.width, train.batch_size) == (2, 4, 9)
    assert resolved.run.settings.preprocess.image_size == 32  # the preset's
    origins = ("train.epochs", "train.width", "train.batch_size")
    assert [resolved.origins[key] for key in origins] == [
        *("command line", "file", "saved")
    ]
    assert resolved.origins["preprocess.image_size"] == "preset tiny"
    assert "train.seed" not in resolved.origins


def test_naming_a_preset_leaves_saved_settings_out(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    start(Typed(folder, "demo", "tiny", values={"train.epochs": 9}))
    assert start(Typed(folder, preset="tiny")).run.settings.train.epochs == 3
    assert run_of(Typed(folder)).settings.train.epochs == 3


def test_a_saved_setting_is_dropped_by_name(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    values = {"train.epochs": 9, "train.width": 5}
    start(Typed(folder, "demo", "tiny", values=values))
    start(Typed(folder, unset=("train.epochs",)))
    run = run_of(Typed(folder))
    assert (run.settings.train.epochs, run.settings.train.width) == (3, 5)
    start(Typed(folder, unset=("train.width",)))
    assert "[train]" not in run.work.settings.read_text()
    with pytest.raises(PipelineError, match='Did you mean "train.epochs"'):
        settle(Typed(folder, unset=("train.epoch",)))


def test_saved_settings_are_toml_whose_comments_stay(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    run = start(Typed(folder, "demo", "tiny", values={"train.epochs": 9})).run
    text = run.work.settings.read_text()
    assert "[train]\nepochs = 9\n" in text
    run.work.settings.write_text(text.replace("= 9", "= 8  # my choice"))
    start(Typed(folder, values={"train.width": 5}))
    assert "epochs = 8  # my choice" in run.work.settings.read_text()
    assert run_of(Typed(folder)).settings.train.epochs == 8


def test_a_saved_setting_that_no_version_knows_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = str(tmp_path / "w")
    run = start(Typed(folder, "demo", "tiny", values={"train.epochs": 9})).run
    with open(run.work.settings, "a") as file:
        file.write("future = 1\n")
    assert run_of(Typed(folder)).settings.train.epochs == 9
    (line,) = caplog.messages
    assert "train.future is not a setting, and is passed over; --unset train" in line
    start(Typed(folder, values={"train.width": 5}))
    assert "future" in run.work.settings.read_text()  # a newer version may know it
    start(Typed(folder, unset=("train.future",)))
    assert "future" not in run.work.settings.read_text()


def test_two_sources_never_share_a_work_directory(tmp_path: Path, folder: Path) -> None:
    shared = str(tmp_path / "w")
    start(Typed(shared, "demo", "tiny"))
    with pytest.raises(
        PipelineError, match=r"holds runs on demo, not on .*competition"
    ):
        settle(Typed(shared, str(folder)))


def test_the_same_content_elsewhere_is_the_same_source(
    tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pipeline")
    work = str(tmp_path / "w")
    run = start(Typed(work, str(folder), "tiny")).run
    download(run)
    before = run_of(Typed(work)).shards("train").name
    moved = shutil.move(folder, tmp_path / "moved")
    assert run_of(Typed(work)).raw.state == "done"  # though it is gone
    assert run_of(Typed(work)).shards("train").name == before
    run = start(Typed(work, str(moved))).run
    assert f"{moved} holds what {folder} held: it is used from there now" in caplog.text
    assert run.shards("train").name == before
    download(run)
    assert run_of(Typed(work)).raw.file("solutions").parent == moved


def test_other_content_elsewhere_is_another_source(
    tmp_path: Path, folder: Path
) -> None:
    work = str(tmp_path / "w")
    download(start(Typed(work, str(folder), "tiny")).run)
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "training_solutions_rev1.zip").unlink()
    shutil.copy(
        folder / "all_zeros_benchmark.zip", other / "training_solutions_rev1.zip"
    )
    with pytest.raises(PipelineError, match="Give each source its own --work folder"):
        settle(Typed(work, str(other)))
