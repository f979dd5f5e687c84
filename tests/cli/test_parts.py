"""Work shared by several machines: parts of stages, networks one by one."""

import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.files import locked
from pipeline.inference import blocks
from tests.miniature import SMALL
from tests.terminal import Terminal

SETS = [f"--set={key}={value}" for key, value in SMALL.items()]


@pytest.fixture
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LEAST", 2)


@pytest.mark.usefixtures("few_at_a_time")
def test_a_prediction_in_parts_gives_the_bytes_of_the_whole(later: Terminal) -> None:
    assert later.type("predict", "--set=predict.batch_size=2") == 0
    made = later.run.held_out, later.run.predictions
    before = [artifact.receipt["content"] for artifact in made]
    for artifact in made:
        shutil.rmtree(artifact.folder)
    for part in ("2/2", "1/2"):
        assert later.type("predict", f"--part={part}") == 0, later.err
        assert f"part {part} is done" in later.err
    assert {artifact.state for artifact in made} == {"half made"}
    assert later.type("predict") == 0
    assert [artifact.receipt["content"] for artifact in made] == before
    assert not [*later.work.rglob("blocks")]


def test_networks_can_be_trained_one_by_one(later: Terminal) -> None:
    words = ("--set=train.num_seeds=3", "--set=train.epochs=1")
    assert later.type("train", "--member=2", *words) == 0, later.err
    states = [member.state for member in later.run.members]
    assert states == ["missing", "done", "missing"]
    assert later.type("train", "--member=4", *words) == 2
    assert later.error == "--member is from 1 to 3 here. Got 4."


def test_parts_work_side_by_side_but_no_part_twice(later: Terminal) -> None:
    work = later.run.work
    with locked(work.lock, shared=True), locked(work.share_lock("1-2")):
        assert later.type("preprocess", "--part=2/2") == 0, later.err
        assert later.type("preprocess", "--part=1/2") == 1
        assert "(1/2) is in use by process" in later.error
        assert later.type("preprocess") == 1
        assert "is in use by process" in later.error


@pytest.mark.slow
def test_networks_trained_side_by_side_are_those_of_one_core(later: Terminal) -> None:
    words = ("--set=train.num_seeds=2", "--set=train.epochs=2", "--set=train.seed=5")
    assert later.type("train", "--set=train.threads=1", *words) == 0, later.err
    beside = [member.receipt for member in later.run.members]
    assert [receipt["made"]["threads"] for receipt in beside] == [1, 1]
    command = [sys.executable, "-m", "pipeline", "train", *words]
    subprocess.run(
        [*command, "--unset=train.threads", "--work", str(later.work)],
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
    )
    alone = [member.receipt for member in later.run.members]
    assert [receipt["recipe"] for receipt in alone] != [own["recipe"] for own in beside]
    for one, other in zip(beside, alone, strict=True):
        assert one["result"]["weights"] == other["result"]["weights"]


def test_more_threads_than_cores_are_refused_and_not_saved(later: Terminal) -> None:
    before = later.run.work.settings.read_text()
    assert later.type("train", "--set=train.threads=1000") == 1
    assert re.fullmatch(
        r"train.threads=1000 is more than the \d+ cores here.", later.error
    )
    assert later.run.work.settings.read_text() == before


@pytest.mark.parametrize("command", ["preprocess", "predict-images"])
def test_parts_that_begin_together_write_one_after_the_other(
    later: Terminal, command: str, tmp_path: Path
) -> None:
    out = tmp_path / "classes.csv"
    words = {
        "preprocess": ("--set=preprocess.image_size=18",),
        "predict-images": (str(later.run.raw.find("test_images")), f"--out={out}"),
    }[command]
    lock = later.run.work.settings_lock
    if command == "predict-images":
        lock = out.with_name("classes.csv.partial") / ".opening.lock"
    with ThreadPoolExecutor(1) as thread:
        with locked(lock):
            part = thread.submit(later.type, command, *words, "--part=1/2")
            time.sleep(1)
            assert not part.done(), later.err
        assert part.result() == 0, later.err


def test_a_part_is_not_made_anew(later: Terminal) -> None:
    assert later.type("preprocess", "--part=1/2", "--force") == 2
    assert later.error == "--force is for all of the work, not for a part of it."
    assert later.type("predict", "--part=3/2") == 2
    assert 'takes a part such as 3/10, not "3/2"' in later.error


def test_parts_of_shards_are_joined(
    terminal: Terminal, spoiled: Path, done: Terminal
) -> None:
    settings = ("--source", str(spoiled), "--preset", "tiny", *SETS[:2])
    assert terminal.type("download", *settings[:4]) == 0
    for part in ("1/2", "2/2"):
        assert terminal.type("preprocess", f"--part={part}", *SETS[:2]) == 0
    assert terminal.run.shards("train").state == "half made"
    assert terminal.type("preprocess") == 0
    for split in ("train", "test"):
        ours, theirs = terminal.run.shards(split), done.run.shards(split)
        assert ours.receipt["content"] == theirs.receipt["content"]
