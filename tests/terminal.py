"""A terminal to type commands in, within this process."""

import io
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.runs.graph import Run
from pipeline.runs.resolve import Typed, settle
from tests.miniature import SMALL


class Terminal:
    """Types commands in this process; keeps what they printed."""

    def __init__(self, place: Path) -> None:
        self.work, self.submissions = place / "work", place / "submissions"
        self.out = self.err = ""

    def type(self, *words: str) -> int:
        return self.type_anywhere(*words, "--work", str(self.work))

    def type_anywhere(self, *words: str) -> int:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["./run.sh", *words])
            with redirect_stdout(out), redirect_stderr(err):
                code = main()
        self.out, self.err = out.getvalue(), err.getvalue()
        return code

    @property
    def run(self) -> Run:
        """What the work directory holds, by its saved settings."""
        return settle(Typed(str(self.work))).run

    @property
    def error(self) -> str:
        """The one line of the error."""
        (line,) = re.findall(r"^error: (.*)", self.err, re.MULTILINE)
        return line

    def run_all(self, folder: Path, *words: str) -> int:
        settings = SMALL | {"export.folder": self.submissions}
        sets = [f"--set={key}={value}" for key, value in settings.items()]
        source = ("--source", str(folder), "--preset", "tiny")
        return self.type("all", *source, *sets, *words)

    def states(self) -> dict[str, str]:
        """What `status` says of each artifact."""
        assert self.type("status") == 0
        rows = [re.split(" {2,}", line) for line in self.out.splitlines()[2:]]
        return {row[0]: row[2] for row in rows}
