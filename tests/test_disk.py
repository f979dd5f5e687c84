"""A full disk at each stage: one line, nothing lost, resumed once there is room."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal import Terminal

SIZE = 30_000_000  # bytes of the small disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, where this user may mount one."""
    place = tmp_path / "small disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    try:
        subprocess.run(words, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("may not mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path, room: int) -> Path:
    """Leaves just so many bytes."""
    ballast = place / "ballast"
    free = shutil.disk_usage(place).free
    ballast.write_bytes(bytes(max(0, free - room)))
    return ballast


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "room"),
    [
        ("all", 0),
        ("preprocess", 16_000),
        ("train", 60_000),
        ("predict", 12_000),
        ("export", 8_000),
        ("report", 20_000),
        ("classify", 0),
        ("show", 12_000),
    ],
)
def test_a_full_disk_is_one_line_and_the_same_command_resumes(
    done: Terminal, small_disk: Path, command: str, room: int
) -> None:
    terminal = Terminal(small_disk)
    shutil.copytree(done.work, terminal.work)
    shutil.copytree(done.submissions, terminal.submissions)
    saved = terminal.work / "settings.toml"
    text = saved.read_text().replace(str(done.submissions), str(terminal.submissions))
    saved.write_text(text)
    words = [command, "100003"] if command == "show" else [command, "--force"]
    ballast = fill(small_disk, room)
    code = terminal.type(*words)
    assert code == 1
    assert terminal.error.startswith(f"No room is left for {small_disk}/")
    assert terminal.error.endswith(
        ". Make room, and run the same command to resume; what is finished stays."
    )
    assert "Traceback" not in terminal.err
    ballast.unlink()
    assert terminal.type(*words) == 0
    assert set(terminal.states().values()) <= {"done", "missing"}
