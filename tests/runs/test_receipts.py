import json
import logging
import shutil
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.runs import receipts
from pipeline.runs.paths import receipt_file
from pipeline.runs.receipts import Artifact, discard, is_up_to_date, making, require


def chain(root: Path, size: int = 1) -> tuple[Artifact, Artifact]:
    first = Artifact("first", root, "download", {"size": size})
    names = {"first": first.name}
    return first, Artifact("second/", root, "train", {}, names, (first,))


def make(artifact: Artifact, text: str = "one") -> None:
    with making(artifact) as made:
        (made.folder / "file").write_text(text)
        made.result["value"] = text


def test_a_name_follows_from_settings_and_inputs(tmp_path: Path) -> None:
    first, second = chain(tmp_path)
    assert first.name.startswith("first-")
    assert len(first.name) == len("first-") + 8
    assert second.folder.parent == tmp_path / "second"
    assert [item.name for item in chain(tmp_path / "elsewhere")] == [
        first.name,
        second.name,
    ]
    assert chain(tmp_path, size=2)[0].name != first.name
    assert chain(tmp_path, size=2)[1].name != second.name


def test_states_follow_what_lies_in_the_folder(tmp_path: Path) -> None:
    first, _ = chain(tmp_path)
    assert first.state == "missing"
    first.partial.mkdir()
    (first.partial / "half").touch()
    assert first.state == "half made"
    make(first)
    assert first.state == "done"
    assert sorted(path.name for path in first.folder.iterdir()) == [
        "file",
        "receipt.json",
    ]
    assert chain(tmp_path, size=2)[0].state == "missing"


def test_what_a_receipt_does_not_say_is_told_with_the_way_out(tmp_path: Path) -> None:
    first, _ = chain(tmp_path)
    make(first)
    assert first.result["value"] == "one"
    told = (
        r"receipt.json does not say its bad: .* Run \"./run.sh download --force --work"
    )
    with pytest.raises(PipelineError, match=told):
        first.result["bad"]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"recipe": {}}', "\ufeff{"])
def test_a_receipt_that_says_nothing_is_damage(tmp_path: Path, content: str) -> None:
    first, _ = chain(tmp_path)
    make(first)
    receipt_file(first.folder).write_text(content)
    assert first.state == "damaged"


def test_a_file_that_is_gone_or_cut_is_damage(tmp_path: Path) -> None:
    first, _ = chain(tmp_path)
    make(first)
    (first.folder / "file").write_text("on")
    assert first.state == "damaged"
    (first.folder / "file").unlink()
    assert first.state == "damaged"


def test_the_receipt_says_what_it_was_made_from_and_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["-m", "all", "--work", "a b"])
    first, second = chain(tmp_path)
    make(first)
    make(second)
    receipt = json.loads(receipt_file(second.folder).read_text())
    assert receipt["recipe"] == second.recipe
    assert receipt["inputs"] == {first.name: first.receipt["content"]}
    assert receipt["files"]["file"]["size"] == 3
    assert receipt["made"]["threads"] >= 1
    assert receipt["made"]["processor"]
    assert receipt["made"]["command"] == "./run.sh all --work 'a b'"


def test_an_input_made_anew_with_other_content_outdates_what_follows(
    tmp_path: Path,
) -> None:
    first, second = chain(tmp_path)
    make(first)
    make(second)
    make(first, "two")
    assert second.state == "outdated"
    make(first)  # the same result again
    assert second.state == "done"


def test_an_interrupted_making_leaves_the_old_one_whole(tmp_path: Path) -> None:
    first, _ = chain(tmp_path)
    make(first)
    with pytest.raises(KeyboardInterrupt), making(first) as made:
        (made.folder / "file").write_text("half")
        raise KeyboardInterrupt
    assert first.state == "done"
    assert (first.folder / "file").read_text() == "one"


@pytest.mark.parametrize("renames", [0, 1])
def test_a_making_killed_between_receipt_and_name_is_completed(
    tmp_path: Path, renames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = chain(tmp_path)
    make(first)

    class Killed(BaseException):
        pass

    def killed(artifact: Artifact) -> None:
        if renames:
            artifact.folder.rename(artifact.folder.with_name("x.old.partial"))
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(receipts, "replace_old", killed)
        with pytest.raises(Killed):
            make(first, "two")
    assert is_up_to_date(first, force=False)
    assert (first.folder / "file").read_text() == "two"


def test_a_folder_without_our_receipt_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "pipeline")
    first, _ = chain(tmp_path)
    first.folder.mkdir()
    (first.folder / "mine.txt").write_text("mine")
    assert first.state == "damaged"
    make(first)
    aside = first.folder.with_name(f"{first.folder.name}.set-aside-1")
    assert (aside / "mine.txt").read_text() == "mine"
    assert "has no receipt and was set aside as" in caplog.text


def test_only_what_is_ours_is_removed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (tmp_path / "link.partial").symlink_to(mine)
    for folder in (mine, tmp_path / "link.partial"):
        with pytest.raises(PipelineError, match="is not of this pipeline's making"):
            discard(folder)
    assert mine.is_dir()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    work = tmp_path / "work"
    work.mkdir()
    (work / "second").symlink_to(outside)
    first, second = chain(work)
    make(first)
    with pytest.raises(PipelineError, match="second is a link. A work directory holds"):
        make(second)
    assert not list(outside.iterdir())


def test_a_link_in_what_is_half_made_is_not_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    first, _ = chain(tmp_path / "work")
    first.partial.mkdir(parents=True)
    (first.partial / "maker").symlink_to(precious)
    with making(first, keep=True):
        pass
    assert precious.read_text() == "mine"
    assert first.state == "done"


@pytest.mark.parametrize(
    ("size", "made", "message"),
    [
        (1, "nothing", ' is missing. Run "./run.sh download --work '),
        (1, "half", ' is half made. Run "./run.sh download --work '),
        (1, "cut", ' is damaged. Run "./run.sh download --work '),
        (2, "whole", ' is missing. Run "./run.sh download --work '),
    ],
)
def test_what_is_not_done_is_refused_with_the_command(
    tmp_path: Path, size: int, made: str, message: str
) -> None:
    first, _ = chain(tmp_path)
    if made in ("whole", "cut"):
        make(first)
    if made == "cut":
        (first.folder / "file").unlink()
    if made == "half":
        first.partial.mkdir()
    with pytest.raises(PipelineError) as refusal:
        require(chain(tmp_path, size)[0])
    assert message + str(tmp_path) in str(refusal.value)


def test_moving_the_root_changes_nothing(tmp_path: Path) -> None:
    first, second = chain(tmp_path / "old")
    make(first)
    make(second)
    shutil.move(tmp_path / "old", tmp_path / "new")
    assert [item.state for item in chain(tmp_path / "new")] == ["done", "done"]
