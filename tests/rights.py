"""What root may do and others may not, given up for a command."""

import ctypes
import os
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

DROP = 24  # prctl(2), PR_CAPBSET_DROP
# capabilities(7): who has one of them may do whatever the modes of files forbid
OVERRIDE = (1, 2)


def obey_modes() -> None:
    """Takes from root what others do not have; before the command is started."""
    if os.geteuid() == 0:
        library = ctypes.CDLL(None, use_errno=True)
        for capability in OVERRIDE:
            if library.prctl(DROP, capability, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "cannot drop it")


def run_by_modes(
    command: Sequence[object], **options: Any
) -> subprocess.CompletedProcess[str]:
    """Runs a command as somebody who may not do what the modes of files forbid."""
    words = [str(word) for word in command]
    try:
        return subprocess.run(
            words, capture_output=True, text=True, preexec_fn=obey_modes, **options
        )
    except subprocess.SubprocessError:
        pytest.skip("may not drop the rights of root")
