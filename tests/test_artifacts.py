import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.artifacts import Artifact, making, require
from pipeline.errors import PipelineError
from pipeline.workdir import atomic, locked


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
    before = json.loads((first.folder / "receipt.json").read_text())
    make(first)
    after = json.loads((first.folder / "receipt.json").read_text())
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


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic(path) as partial:
        partial.write_text("ne")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]


HOLD = """
import sys, time
from pathlib import Path
from pipeline.workdir import locked
with locked(Path(sys.argv[1]), "work/demo"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_held_lock_is_refused_and_a_dead_holders_is_not(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(
                PipelineError, match=f"work/demo is in use by process {holder.pid}"
            ),
            locked(path, "work/demo"),
        ):
            pass
        os.kill(holder.pid, signal.SIGKILL)
    with locked(path, "work/demo"):
        assert path.read_text() == f"{os.getpid()}\n"
