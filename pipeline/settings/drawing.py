"""Matplotlib made ready: whatever the user's own settings say."""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


def start_matplotlib() -> None:
    """Imports it, so that it reads no matplotlibrc and needs no screen."""
    # that it cannot keep its list of fonts costs a second, and is no trouble of a user
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if "matplotlib" in sys.modules:
        return
    with tempfile.TemporaryDirectory() as folder:
        # the one in the current folder is the only one it reads
        (Path(folder) / "matplotlibrc").touch()
        with inside(folder), without_variable("MPLBACKEND"):  # a notebook's, mostly
            import matplotlib  # noqa: F401


@contextlib.contextmanager
def without_variable(name: str) -> Iterator[None]:
    value = os.environ.pop(name, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[name] = value


@contextlib.contextmanager
def inside(folder: str) -> Iterator[None]:
    """Another current folder for a while; the way back does not hang on its name."""
    here = os.open(".", getattr(os, "O_PATH", os.O_RDONLY))
    os.chdir(folder)
    try:
        yield
    finally:
        os.fchdir(here)
        os.close(here)
