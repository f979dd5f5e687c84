import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.files import atomic, locked


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
from pipeline.files import locked
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
