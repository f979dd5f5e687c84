"""Parts on a real Dask cluster: a scheduler and two workers, processes of their own."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.cli.cluster import (
    Job,
    code_digest,
    list_shares,
    packages,
    run_job,
    without_scheduler,
)
from pipeline.runs.paths import PROJECT
from tests.miniature import SMALL, blob
from tests.terminal import Terminal

WAIT_SECONDS = 60
SETTINGS = [f"--set={key}={value}" for key, value in SMALL.items()]


class Cluster:
    """A scheduler and its workers; all of them end with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.workers = folder, []
        self.file = folder / "scheduler.json"
        self.scheduler = self.start("scheduler", "--port=0", "--no-dashboard")
        wait_until(self.file.exists)
        text = self.file.read_text()
        self.address = text.partition('"address": "')[2].partition('"')[0]

    def start(self, what: str, *words: str) -> psutil.Popen:
        file, place = (
            f"--scheduler-file={self.file}",
            f"--local-directory={self.folder}",
        )
        with open(self.folder / "log.txt", "ab") as log:
            return psutil.Popen(
                [sys.executable, "-m", "dask", what, file, *words]
                + ([] if what == "scheduler" else [place]),
                env={key: os.environ[key] for key in os.environ if key != "PYTHONPATH"},
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )

    def add_worker(self) -> psutil.Popen:
        words = ("--nthreads=1", "--no-nanny", "--no-dashboard")
        self.workers.append(self.start("worker", *words))
        return self.workers[-1]

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
            process.wait(WAIT_SECONDS)


def wait_until(true: object, seconds: float = WAIT_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    made = Cluster(folder)
    try:
        yield made
    finally:
        made.end()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(20):
        (folder / f"J{number:04}.jpg").write_bytes(blob(60 + number))
    return folder


def when_at_work(process: psutil.Popen, number: int) -> threading.Thread:
    """Sends a signal to a worker once it has begun a part; returns who does."""

    def send() -> None:
        wait_until(process.children)
        time.sleep(0.5)
        process.send_signal(number)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_bytes_of_one_machine(
    cluster: Cluster, terminal: Terminal, spoiled: Path, done: Terminal
) -> None:
    first, _ = cluster.add_worker(), cluster.add_worker()
    killer = when_at_work(first, signal.SIGKILL)
    settings = ("--source", str(spoiled), "--preset", "tiny")
    assert terminal.type("download", *settings) == 0
    for stage in ("preprocess", "train", "predict"):
        own = [word for word in SETTINGS if word.startswith(f"--set={stage}.")]
        words = (*own, "--scheduler", cluster.address)
        assert terminal.type(stage, *words) == 0, terminal.err
    killer.join(WAIT_SECONDS)
    assert first.wait(WAIT_SECONDS) == -signal.SIGKILL
    ours, theirs = (each.run.predictions.receipt for each in (terminal, done))
    assert ours["content"] == theirs["content"]


@pytest.mark.slow
def test_a_catalogue_on_a_cluster_is_the_table_of_one_machine(
    cluster: Cluster, asking: Terminal, pictures: Path, tmp_path: Path
) -> None:
    cluster.add_worker()
    tables = tmp_path / "whole.csv", tmp_path / "shared.csv"
    for table, words in zip(
        tables, ((), (f"--scheduler={cluster.address}",)), strict=True
    ):
        out = ("--out", str(table))
        code = asking.type("predict-images", str(pictures), *out, *words)
        assert code == 0, asking.err
    assert tables[0].read_bytes() == tables[1].read_bytes()


@pytest.mark.slow
def test_a_scheduler_that_goes_ends_the_command_in_a_line(
    cluster: Cluster, asking: Terminal, pictures: Path, tmp_path: Path
) -> None:
    def kill() -> None:
        wait_until(worker.children)
        cluster.scheduler.kill()

    worker = cluster.add_worker()
    killer = threading.Thread(target=kill)
    killer.start()
    out = ("--out", str(tmp_path / "o.csv"), "--scheduler", cluster.address)
    assert asking.type("predict-images", str(pictures), *out) == 1
    killer.join(WAIT_SECONDS)
    assert asking.error == (
        "The scheduler is gone. What is done is kept: run the same command again, with "
        "a scheduler or without."
    )
    wait_until(lambda: not worker.is_running() or not worker.children())


@pytest.mark.slow
def test_ctrl_c_ends_the_parts_too(
    cluster: Cluster, done: Terminal, pictures: Path, tmp_path: Path
) -> None:
    worker = cluster.add_worker()
    words = ("--work", str(done.work), "--out", str(tmp_path / "o.csv"))
    words += ("--scheduler", cluster.address)
    command = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "predict-images", str(pictures), *words],
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(worker.children)
    command.send_signal(signal.SIGINT)
    asked = time.monotonic()
    _, said = command.communicate(timeout=WAIT_SECONDS)
    assert command.returncode == 130
    assert time.monotonic() - asked < 4
    assert "Traceback" not in said
    wait_until(lambda: not worker.children(), 10)


def test_workers_of_other_code_are_refused(
    cluster: Cluster,
    asking: Terminal,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline.cli.cluster.code_digest", lambda: str(os.getpid()))
    cluster.add_worker()
    out = ("--out", str(tmp_path / "o.csv"), "--scheduler", cluster.address)
    assert asking.type("predict-images", str(pictures), *out) == 1
    assert " would run other code: " in asking.error


def test_a_worker_that_does_not_see_the_files_says_so() -> None:
    ending = run_job(Job(("status",), "/nowhere/at/all", code_digest()))
    assert ending.code == 1
    assert re.fullmatch(
        r"error: the worker on \S+ does not see /nowhere/at/all. All need the same "
        r"files.",
        ending.said,
    )


def test_code_that_differs_in_a_byte_has_another_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(PROJECT / "pipeline", tmp_path / "pipeline")
    shutil.copy(PROJECT / "requirements.txt", tmp_path)
    before = code_digest()
    monkeypatch.setattr("pipeline.cli.cluster.PROJECT", tmp_path)
    assert code_digest() == before
    with open(tmp_path / "pipeline" / "machine.py", "a") as file:
        file.write("#")
    assert code_digest() != before


def test_no_scheduler_is_a_line(
    asking: Terminal, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.cli.cluster.CONNECT_SECONDS", 1)
    words = ("--out=o.csv", "--scheduler=tcp://127.0.0.1:9")
    assert asking.type("predict-images", str(pictures), *words) == 1
    assert asking.error.startswith("There is no Dask scheduler at tcp://127.0.0.1:9 (")


@pytest.mark.parametrize("alone", ["--part=1/2", "--member=1", "--force"])
def test_what_is_for_one_machine_is_refused(later: Terminal, alone: str) -> None:
    stage = "train" if "member" in alone else "predict"
    assert later.type(stage, alone, "--scheduler=tcp://127.0.0.1:9") == 2
    assert alone.partition("=")[0] in later.error


def test_only_what_is_not_done_is_shared_out(later: Terminal) -> None:
    run = later.run
    assert list_shares(run, "preprocess", 8) == []
    assert list_shares(run, "train", 8) == []
    assert list_shares(run, "predict-images", 2) == ["--part=1/2", "--part=2/2"]
    shutil.rmtree(run.members[0].folder)
    shutil.rmtree(run.predictions.folder)
    run = later.run
    assert list_shares(run, "train", 8) == ["--member=1"]
    assert list_shares(run, "predict", 8) == ["--part=1/1"]  # of one block


def test_a_part_gets_the_words_that_were_typed() -> None:
    words = ["a b", "--scheduler", "tcp://x:1", "--set=train.epochs=1", "--scheduler=y"]
    assert without_scheduler(words) == ["a b", "--set=train.epochs=1"]


def test_the_package_is_pinned_once() -> None:
    assert packages()[0].startswith("distributed==")
