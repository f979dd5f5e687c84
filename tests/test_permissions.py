"""Folders and files that this user may not read or write: one line, before work."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rights import run_by_modes
from tests.terminal import Terminal

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder that can be listed only."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    yield folder
    folder.chmod(0o755)


def type_in(*words: object) -> tuple[int, str]:
    """The exit code of a command and the line of its error."""
    done = run_by_modes(
        (sys.executable, "-P", "-m", "pipeline", *words),
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    errors = [line for line in done.stderr.splitlines() if "error: " in line]
    assert "Traceback" not in done.stderr
    return done.returncode, "".join(errors)


def test_a_work_directory_that_may_not_be_made(folder: Path, closed: Path) -> None:
    work = closed / "work"
    code, line = type_in("all", "--source", folder, "--preset=tiny", "--work", work)
    assert code == 1
    assert line == (
        f"error: {work} may not be written by this user: {closed} is read-only for it. "
        "Name another folder: --work, or --set export.folder=DIR for submissions."
    )


@pytest.mark.parametrize("command", ["all", "doctor"])
def test_submissions_that_may_not_be_written_are_told_before_work(
    command: str, folder: Path, closed: Path, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    words = ("--source", folder, "--preset=tiny", "--work", work)
    code, line = type_in(command, *words, f"--set=export.folder={closed}")
    assert code == 1
    if command == "all":
        assert line.startswith(f"error: {closed} may not be written by this user: ")
    assert not (work / "raw").exists()


def test_a_file_of_the_source_that_may_not_be_read(
    folder: Path, tmp_path: Path
) -> None:
    images = folder / "images_test_rev1.zip"
    images.chmod(0)
    words = ("--source", folder, "--preset=tiny", "--work", tmp_path / "work")
    for command in ("all", "download"):
        code, line = type_in(command, *words)
        assert code == 1
        assert line.startswith(f"error: {images} ")
        assert "ermi" in line  # not permitted, or permission denied


def test_a_source_that_may_not_be_listed(folder: Path, tmp_path: Path) -> None:
    folder.chmod(0)
    words = ("--source", folder, "--preset=tiny", "--work", tmp_path / "work")
    code, line = type_in("all", *words)
    folder.chmod(0o755)
    assert code == 1
    assert str(folder) in line


def test_images_in_a_folder_that_may_not_be_listed(
    folder: Path, tmp_path: Path
) -> None:
    closed = folder / "images_test_rev1" / "more"
    with zipfile.ZipFile(folder / "images_test_rev1.zip") as archive:
        archive.extractall(folder)
    (folder / "images_test_rev1.zip").unlink()
    closed.mkdir(mode=0)
    words = ("--source", folder, "--preset=tiny", "--work", tmp_path / "work")
    code, line = type_in("download", *words)
    closed.chmod(0o755)
    assert code == 1
    assert line.endswith(f'Run "chmod u+rwX {closed}", or name another folder.')


def test_a_finished_run_of_somebody_else_can_be_looked_at(later: Terminal) -> None:
    folders = [later.work, *(path for path in later.work.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        for command in ("status", "runs", "verify", "settings", "leaderboard"):
            assert type_in(command, "--work", later.work) == (0, "")
        code, line = type_in("all", "--work", later.work, "--set=train.seed=3")
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert code == 1
    assert line.startswith(f"error: {later.work}")


@pytest.mark.parametrize("name", ["settings.toml", "galaxy-zoo.json", "lock"])
def test_a_file_of_ours_that_may_not_be_read(later: Terminal, name: str) -> None:
    file = later.work / name
    file.chmod(0)
    code, line = type_in("all", "--work", later.work)
    assert code == 1
    assert line == (
        f"error: {file} is not permitted to this user (Permission denied). Run "
        f'"chmod u+rwX {file}", or name another folder.'
    )
    subprocess.run(["chmod", "u+rwX", file], check=True)
    assert type_in("status", "--work", later.work) == (0, "")


def test_a_ledgers_lock_that_may_not_be_read(later: Terminal) -> None:
    lock = later.submissions / ".ledger.lock"
    lock.chmod(0)
    code, line = type_in("all", "--force", "--work", later.work)
    assert code == 1
    assert line.endswith(f'Run "chmod u+rwX {lock}", or name another folder.')


@pytest.mark.parametrize(
    "pattern",
    [
        "work/runs",
        "work/held_out",
        "work/held_out/*",
        "work/models/*/*.keras",
        "submissions/competition-*.csv",
    ],
)
def test_what_could_not_be_read_or_replaced_later_is_told_before_work(
    later: Terminal, pattern: str
) -> None:
    (path,) = later.work.parent.glob(pattern)
    mode = path.stat().st_mode
    path.chmod(0)
    code, line = type_in("all", "--force", "--work", later.work)
    path.chmod(mode)
    assert code == 1
    assert line == (
        f"error: {path} is not permitted to this user (Permission denied). Run "
        f'"chmod u+rwX {path}", or name another folder.'
    )
    assert not [*later.work.glob("*/*.partial")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_what_is_somebody_elses_only_its_owner_can_open(later: Terminal) -> None:
    lock = later.work / "lock"
    lock.chmod(0o600)
    os.chown(lock, 65534, 65534)
    code, line = type_in("all", "--work", later.work)
    assert code == 1
    assert line.endswith(
        f'. Ask its owner for "chmod a+rwX {lock}", or name another folder.'
    )


def test_the_folder_that_is_closed_is_the_one_to_be_opened(later: Terminal) -> None:
    models = later.work / "models"
    models.chmod(0)
    code, line = type_in("status", "--work", later.work)
    models.chmod(0o755)
    assert code == 1
    assert line.endswith(f'Run "chmod u+rwX {models}", or name another folder.')
