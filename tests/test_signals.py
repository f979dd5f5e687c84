"""A signal ends a command within two seconds, in one line, at whatever it is."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.signals import NOTICE

LONGEST = 2.0  # seconds
PIPELINE = (sys.executable, "-m", "pipeline")
DEMO = ("--preset=tiny", "--source=demo")
ENDINGS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


def start(work: Path, *words: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [
            *PIPELINE,
            "all",
            *DEMO,
            f"--work={work}",
            *words,
            f"--set=export.folder={work}-csv",
        ],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
        # whoever runs the tests may ignore it, which would be inherited
        preexec_fn=lambda: [
            signal.signal(number, signal.SIG_DFL) for number, _ in ENDINGS
        ],
    )


def wait_for(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def end(process: subprocess.Popen[str], number: int) -> str:
    """Sends a signal; what was said on standard error after it ended in time."""
    sent = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - sent < LONGEST
    return said


@pytest.mark.parametrize(("number", "code"), ENDINGS)
def test_each_signal_that_asks_for_the_end_has_its_code(
    number: int, code: int, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    process = start(work, "--set=demo.num_train=3000")  # rendered by workers
    wait_for(lambda: [*work.glob("raw/demo-*.partial")] != [])
    time.sleep(0.5)
    said = end(process, number)
    assert process.returncode == code
    assert said.splitlines()[-1] == NOTICE
    assert "Traceback" not in said


def test_a_signal_while_tensorflow_loads_or_trains_is_heard(tmp_path: Path) -> None:
    work = tmp_path / "work"
    process = start(work, "--set=train.epochs=1000")
    wait_for(lambda: [*work.glob("models/*.partial/history.csv")] != [])
    said = end(process, signal.SIGTERM)
    assert process.returncode == 143
    assert said.splitlines()[-1] == NOTICE
    process = start(work, "--set=train.epochs=1000")
    wait_for(lambda: (work / "lock").read_text().strip() == str(process.pid))
    time.sleep(0.3)
    said = end(process, signal.SIGINT)
    assert process.returncode == 130
    assert said.splitlines()[-1] == NOTICE


def run_program(program: str) -> tuple[int, str, str]:
    """The exit code of some Python, and what it printed on either stream."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "loading", ["signals.leaving_at_once()", "settings.backend.silence()"]
)
def test_a_signal_while_native_code_loads_raises_nothing_in_it(loading: str) -> None:
    program = (
        "import os, signal\n"
        "import pipeline.signals, pipeline.settings.backend\n"
        "pipeline.signals.end_on_signals()\n"
        "try:\n"
        f"    with pipeline.{loading}:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "finally:\n"
        "    print('raised')\n"
    )
    assert run_program(program) == (130, "", f"{NOTICE}\n")


def test_a_signal_just_after_the_start_is_heard() -> None:
    program = (
        "import os, signal, runpy, sys\n"
        "import pipeline.cli.parser as late\n"
        "late.parse = lambda words: os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.argv = ['x', 'status']\n"
        "runpy.run_module('pipeline', run_name='__main__')\n"
    )
    assert run_program(program) == (143, "", f"{NOTICE}\n")


def test_a_signal_that_was_kept_back_while_python_starts_is_heard() -> None:
    def keep_back() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        os.kill(os.getpid(), signal.SIGTERM)

    done = subprocess.run(
        [*PIPELINE, "status"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=keep_back,
    )
    assert (done.returncode, done.stderr) == (143, f"{NOTICE}\n")


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PIPELINE, "download", *DEMO, f"--work={tmp_path / 'w'}"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    wait_for(lambda: (tmp_path / "w" / "lock").exists())
    process.send_signal(signal.SIGHUP)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert said.splitlines()[-1].startswith("raw: ")
