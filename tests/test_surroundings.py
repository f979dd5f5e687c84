"""What a user's machine may be like, and a command must not mind."""

import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.files import file_digest
from tests.miniature import SMALL, make_competition
from tests.terminal import Terminal

PROJECT = Path(__file__).resolve().parent.parent
PIPELINE = [sys.executable, "-P", "-m", "pipeline"]
PLAIN = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def shell(
    *words: object,
    cwd: Path,
    variables: Mapping[str, str] = PLAIN,
    **more: object,
) -> subprocess.CompletedProcess:
    """A command of a process of its own, without a home, in the poorest locale."""
    environment = {name: text for name, text in os.environ.items() if name != "HOME"}
    return subprocess.run(
        [*PIPELINE, *map(str, words)],
        env=environment | variables | {"PYTHONPATH": str(PROJECT)},
        cwd=cwd,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        **more,
    )


def test_a_poor_locale_a_closed_umask_and_no_home_change_no_result(
    done: Terminal, spoiled: Path, tmp_path: Path
) -> None:
    source = shutil.copytree(spoiled, tmp_path / "Galaxi\u00ebn und Sp\u00e4ne")
    sets = [f"--set={key}={value}" for key, value in SMALL.items()]
    words = ("--source", source, "--preset=tiny", "--work=w", "--set=export.folder=s")
    found = shell("all", *words, *sets, cwd=tmp_path, umask=0o077, stdin=None)
    assert found.returncode == 0, found.stderr
    (csv,) = (tmp_path / "s").glob("Galaxi*.csv")
    before = done.submissions / done.run.submission.result["csv"]
    assert file_digest(csv) == file_digest(before)
    assert csv.stat().st_mode & 0o777 == 0o600
    assert "Galaxi\\xc3\\xabn" in found.stdout


def test_no_warning_of_a_package_is_an_error(
    done: Terminal, spoiled: Path, tmp_path: Path
) -> None:
    sets = [f"--set={key}={value}" for key, value in SMALL.items()]
    words = ("--source", spoiled, "--preset=tiny", "--work=w", "--set=export.folder=s")
    variables = {"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"}
    found = shell("all", *words, *sets, cwd=tmp_path, variables=variables)
    assert found.returncode == 0
    assert "Warning" not in found.stderr
    (csv,) = (tmp_path / "s").glob("c*.csv")
    before = done.submissions / done.run.submission.result["csv"]
    assert file_digest(csv) == file_digest(before)


def test_a_clock_that_jumps_back_harms_nothing(
    later: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 400 * 86_400)
    for file in [*later.work.rglob("*.toml")]:
        os.utime(file, (now() + 9e6, now() + 9e6))  # from the days before it jumped
    assert later.type("all") == 0
    assert later.type("all", "--set=train.seed=4", "--set=train.epochs=1") == 0
    for command in ("status", "runs", "leaderboard"):
        assert later.type(command) == 0
        assert not re.search(r" -\d", later.out)  # no age below nothing


def test_a_name_too_long_for_a_file_is_said_before_work(
    terminal: Terminal, tmp_path: Path
) -> None:
    source = make_competition(tmp_path / ("s" * 250))
    assert terminal.run_all(source, f"--set=export.name={'x' * 250}") == 2
    assert terminal.error == (
        "export.name has at most 200 bytes, so that a file can have it. Got 250."
    )
    assert terminal.run_all(source) == 0
    long = ("--work", str(tmp_path / ("w" * 300)))
    assert terminal.type_anywhere("all", "--source=demo", "--preset=tiny", *long) == 1
    assert terminal.error.endswith("w cannot be used: File name too long.")


def test_the_home_of_nobody_is_a_folder_that_is_not_there(terminal: Terminal) -> None:
    assert terminal.type("status", "--source=~nobody-at-all/galaxies") == 2
    assert 'There is no "' in terminal.error


def test_a_current_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    program = (
        "import os, runpy, sys; os.rmdir(os.getcwd()); "
        "sys.argv = ['x', 'status', '--work', 'w']; "
        "runpy.run_module('pipeline', run_name='__main__')"
    )
    gone.mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        cwd=gone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        1,
        "error: The current folder is gone. Change to another one, and repeat it "
        "there.\n",
    )


def test_too_few_open_files_is_a_line(later: Terminal) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        code = later.type("status")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert code == 1
    assert "cannot be used: Too many open files." in later.error


def test_a_folder_removed_half_way_is_a_line(
    terminal: Terminal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_all(*_: object) -> None:
        shutil.rmtree(terminal.work)

    monkeypatch.setattr("pipeline.stages.preprocess.keep_run", lose_all, raising=False)
    monkeypatch.setattr("pipeline.cli.running.keep_run", lose_all)
    assert terminal.run_all(folder) == 1
    assert "is missing" in terminal.error or "is gone" in terminal.error
