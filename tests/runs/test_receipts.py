import json
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.runs.paths import receipt_file
from pipeline.runs.receipts import Artifact, making, require


def chain(root: Path, size: int = 1) -> tuple[Artifact, Artifact]:
    first = Artifact("first", root / "first", "download", {"size": size})
    return first, Artifact("second", root / "second", "train", {}, (first,))


def make(artifact: Artifact, value: int = 0) -> None:
    with making(artifact) as result:
        result["value"] = value


def test_states_follow_what_lies_in_the_folder(tmp_path: Path) -> None:
    first, _ = chain(tmp_path)
    assert first.state == "missing"
    first.folder.mkdir()
    (first.folder / "half").touch()
    assert first.state == "incomplete"
    make(first)
    assert first.state == "done"
    assert not (first.folder / "half").exists()
    assert chain(tmp_path, size=2)[0].state == "stale"


def test_a_changed_input_makes_all_that_follows_stale(tmp_path: Path) -> None:
    first, _ = chain(tmp_path)
    make(first)
    make(chain(tmp_path)[1])
    assert chain(tmp_path)[1].state == "done"
    assert chain(tmp_path, size=2)[1].state == "stale"
    make(first, value=5)
    assert chain(tmp_path)[1].state == "stale"


def test_the_same_result_made_again_keeps_what_follows(tmp_path: Path) -> None:
    first, _ = chain(tmp_path)
    make(first)
    make(chain(tmp_path)[1])
    before = json.loads(receipt_file(first.folder).read_text())
    make(first)
    after = json.loads(receipt_file(first.folder).read_text())
    assert before["result"] == after["result"]
    assert chain(tmp_path)[1].state == "done"


def test_an_interrupted_making_leaves_no_receipt(tmp_path: Path) -> None:
    first, _ = chain(tmp_path)
    make(first)
    with pytest.raises(KeyboardInterrupt), making(first):
        (first.folder / "half").touch()
        raise KeyboardInterrupt
    assert first.state == "incomplete"


@pytest.mark.parametrize(
    ("size", "made", "message"),
    [
        (1, "nothing", 'first is missing. Run "./run.sh download" first.'),
        (1, "half", 'first is incomplete. Run "./run.sh download" first.'),
        (2, "whole", "first is out of date (made with size=1, now 2). Run"),
    ],
)
def test_what_is_not_done_is_refused_with_the_command(
    tmp_path: Path, size: int, made: str, message: str
) -> None:
    first, _ = chain(tmp_path)
    if made == "whole":
        make(first)
    elif made == "half":
        first.folder.mkdir()
        (first.folder / "half").touch()
    with pytest.raises(PipelineError) as refusal:
        require(chain(tmp_path, size)[0])
    assert message in str(refusal.value)
