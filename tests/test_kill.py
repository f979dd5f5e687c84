"""kill -9 at any moment, then the same command, ends as if nothing had been."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline.__main__ import main

NUM_MOMENTS = 12


def words(place: Path) -> list[str]:
    return [
        "all",
        "--source=demo",
        "--preset=tiny",
        f"--work={place / 'work'}",
        f"--set=export.folder={place / 'submissions'}",
    ]


def start(place: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", *words(place)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def submission(place: Path) -> tuple[str, bytes]:
    (path,) = place.glob("submissions/demo-tiny-*.csv")
    return path.name, path.read_bytes()


def num_ledger_lines(place: Path) -> int:
    return len((place / "submissions" / "ledger.csv").read_text().splitlines()) - 1


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A run that nobody killed, and the seconds it took."""
    place = tmp_path_factory.mktemp("undisturbed")
    started = time.monotonic()
    _, errors = start(place).communicate()
    assert list(place.glob("submissions/*.csv")), errors.decode()
    return place, time.monotonic() - started


# one moment in each twelfth of the run, another each time the test is run
@pytest.mark.parametrize("moment", range(NUM_MOMENTS))
def test_a_kill_changes_nothing_in_the_end(
    moment: int,
    undisturbed: tuple[Path, float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place, seconds = undisturbed
    after = (moment + np.random.default_rng().random()) * seconds / NUM_MOMENTS
    run = start(tmp_path)
    time.sleep(after)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    monkeypatch.setattr(sys, "argv", ["./run.sh", *words(tmp_path)])
    assert main() == 0
    assert submission(tmp_path) == submission(place), f"killed after {after:.2f} s"
    assert num_ledger_lines(tmp_path) == 1
