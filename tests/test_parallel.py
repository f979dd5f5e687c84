import os
import signal
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.parallel import in_own_process


def note(path: Path) -> None:
    path.write_text(str(os.getpid()))


def refuse() -> None:
    raise PipelineError("So it is not done.")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_task_runs_in_another_process(tmp_path: Path) -> None:
    assert in_own_process("a note", note, tmp_path / "note")
    assert (tmp_path / "note").read_text() != str(os.getpid())


def test_a_tasks_error_is_one_line(capfd: pytest.CaptureFixture) -> None:
    assert not in_own_process("a task", refuse)
    assert capfd.readouterr().err == "error: a task: So it is not done.\n"


def test_a_killed_task_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert not in_own_process("a task", die)
    assert "error: a task: its process was ended by signal 9" in caplog.text
