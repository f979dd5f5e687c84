"""What root may do and others may not, given up for a command."""

import ctypes
import os

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
