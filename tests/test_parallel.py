import logging
import multiprocessing
import multiprocessing.synchronize
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.parallel import ahead, map_parallel, run_side_by_side
from pipeline.runs.receipts import NotDone

NUM_TASKS = 16
LONGEST = 2.0  # seconds that the end of parallel work may take


def square(number: int) -> int:
    return number**2


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def die(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_come_in_the_order_of_the_tasks() -> None:
    found = map_parallel(square, range(9), "squares", [1] * 9)
    assert list(found) == [0, 1, 4, 9, 16, 25, 36, 49, 64]


def test_an_error_of_the_consumer_ends_the_work_at_once() -> None:
    tasks = [0.0, *[1.0] * NUM_TASKS]  # at least 8 s on two cores
    with pytest.raises(KeyboardInterrupt):
        for _ in map_parallel(sleep, tasks, "naps", [1] * len(tasks)):
            stopped = time.monotonic()
            raise KeyboardInterrupt
    assert time.monotonic() - stopped < LONGEST


def test_a_killed_worker_is_an_error_not_an_endless_wait() -> None:
    with pytest.raises(PipelineError, match="^A worker process was ended from outside"):
        list(map_parallel(die, range(2), "deaths", [1, 1]))


def counting(made: list[int], most: int = 5) -> Iterator[int]:
    for number in range(most):
        made.append(number)
        yield number


def test_items_come_in_order_each_made_while_the_one_before_is_in_use() -> None:
    made: list[int] = []
    numbers = ahead(counting(made))
    assert next(numbers) == 0
    while len(made) < 2:  # without being asked for
        time.sleep(0.001)
    assert list(numbers) == [1, 2, 3, 4]
    assert made == [0, 1, 2, 3, 4]


def test_an_error_in_making_an_item_comes_when_it_is_asked_for() -> None:
    numbers = ahead(1 // (2 - number) for number in range(5))
    assert [next(numbers), next(numbers)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(numbers)


def test_no_thread_is_left_when_the_user_of_items_stops() -> None:
    before, made = threading.active_count(), []
    with pytest.raises(KeyboardInterrupt):
        for _ in ahead(counting(made)):
            assert threading.active_count() == before + 1
            raise KeyboardInterrupt
    assert threading.active_count() == before
    assert len(made) <= 2


NAPS = """
import signal, sys
from pipeline.errors import PipelineError
from pipeline.parallel import map_parallel
from tests.test_parallel import sleep

if __name__ == "__main__":  # workers import this file too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for _ in map_parallel(sleep, [0.0] + [1.0] * 16, "naps", [1] * 17):
        print("begun", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_the_work_and_every_worker(
    number: signal.Signals, tmp_path: Path
) -> None:
    script = tmp_path / "naps.py"
    script.write_text(NAPS)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(number)
        sent = time.monotonic()
        process.wait(timeout=30)
        while processes_of(process.pid) and time.monotonic() - sent < 30:
            time.sleep(0.05)
        assert time.monotonic() - sent < LONGEST


def processes_of(session: int) -> list[int]:
    """The processes that live in a session; the dead may wait to be buried."""
    stats = [path.read_text() for path in Path("/proc").glob("[0-9]*/stat")]
    fields = [stat.rpartition(")")[2].split() for stat in stats]
    return [
        int(field[3])
        for field in fields
        if int(field[3]) == session and field[0] != "Z"
    ]


def test_without_shared_memory_one_core_does_all(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(multiprocessing.synchronize.SemLock, "__init__", refuse)
    found = map_parallel(square, range(5), "squares", [1] * 5)
    assert list(found) == [0, 1, 4, 9, 16]
    (line,) = caplog.messages
    assert line.startswith("no worker processes ([Errno 28] No space left on device")


def tell_cores(folder: Path, name: str) -> None:
    cores = sorted(os.sched_getaffinity(0))
    logging.getLogger("pipeline.x").info("%s on %s", name, cores)
    time.sleep(1)  # so that the other one is not idle before
    (folder / name).write_text(str(cores))


def fail(line: str) -> None:
    raise PipelineError(line)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="takes two cores")
def test_work_side_by_side_has_cores_of_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    looks: list[float] = []
    tasks = [(tmp_path, name) for name in "abc"]
    with caplog.at_level(logging.INFO, "pipeline"):
        run_side_by_side(tell_cores, tasks, 1, lambda: looks.append(time.monotonic()))
    found = [(tmp_path / name).read_text() for name in "abc"]
    assert all(re.fullmatch(r"\[\d+\]", cores) for cores in found)
    assert found[0] != found[1]
    assert {f"{name} on {cores}" for name, cores in zip("abc", found, strict=True)} == {
        *caplog.messages
    }
    assert looks


def test_an_error_side_by_side_is_passed_on() -> None:
    with pytest.raises(PipelineError, match=r"^no luck$"):
        run_side_by_side(fail, [("no luck",), ("no luck",)], 1, lambda: None)


def raise_not_done(root: Path) -> None:
    raise NotDone("raw is missing", "download", root)


def test_what_a_worker_lacks_is_told_as_it_says(tmp_path: Path) -> None:
    with pytest.raises(NotDone) as caught:
        run_side_by_side(raise_not_done, [(tmp_path,)], 1)
    assert str(caught.value) == (
        f'raw is missing. Run "./run.sh download --work {tmp_path}" first.'
    )
