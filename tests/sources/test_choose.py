from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.sources.choose import choose_source, source_name
from tests.kaggle_shell import isolate


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path / "home")


def test_without_credentials_auto_is_the_demo_and_says_why() -> None:
    source, why = choose_source("auto")
    assert source == "demo"
    assert why.startswith("No Kaggle credentials found: using the DEMO SKY")


def test_with_credentials_auto_is_kaggle_and_says_which_not_what(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KAGGLE_USERNAME", "someone")
    monkeypatch.setenv("KAGGLE_KEY", "s3cret")
    source, why = choose_source("auto")
    assert source == "kaggle"
    assert "KAGGLE_USERNAME and KAGGLE_KEY" in why
    assert "s3cret" not in why


def test_what_is_named_is_taken_and_needs_no_reason(folder: Path) -> None:
    for source in ("kaggle", "demo", str(folder)):
        assert choose_source(source) == (source, "")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"auto, kaggle, demo or a folder.*nowhere"):
        choose_source(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("source", "name"),
    [("kaggle", "kaggle"), ("demo", "demo"), ("/a/zoo", "zoo"), ("/", "folder")],
)
def test_a_source_is_called_by_its_word_or_its_folder(source: str, name: str) -> None:
    assert source_name(source) == name
