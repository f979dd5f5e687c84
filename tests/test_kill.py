"""kill -9 at any moment, then the same command, ends as if nothing had been.

One run is killed a dozen times, each time a little later in its life: every start
resumes from what the kill before has left.
"""

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from pipeline.kaggle.ledger import read_ledger
from pipeline.runs.graph import Run
from pipeline.runs.paths import SPLITS, WorkDir, receipt_file
from pipeline.settings.schema import make_settings
from tests.zygote import Zygote

NETWORK = Run(make_settings("demo", "tiny"), WorkDir(Path())).members[0].folder.name
LIFE = {  # what a run is at, in order, and what it says as it comes to it
    "download": r"work: source demo",
    "preprocess, training images": r"raw[: ]",
    "preprocess, test images": r"shards/train[: ]",
    "train, 1st epoch": r"shards/test[: ]",
    "train, 2nd epoch": rf"({NETWORK} .*|resuming after) epoch 1\b",
    "train, 3rd epoch or later": rf"({NETWORK} .*|resuming after) epoch 2\b",
    "train, best network": rf"({NETWORK} .*|resuming after) epoch 6\b",
    "predict": rf"{NETWORK} (.*: validation|is up to date)",
    "export": r"predictions[: ]",
    "": r"submission[: ]",  # nothing more to kill
}
MOMENTS = list(LIFE)
KILLS = [*MOMENTS[:-1], "download", "predict", "export"]
MOST_TRIES = 8


class Launch(NamedTuple):
    """Where a run works, and what starts it."""

    place: Path
    zygote: Zygote

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "train.epochs": 6,  # enough for some to be left after a kill
            "export.folder": str(self.place / "submissions"),
        }

    @property
    def run(self) -> Run:
        settings = make_settings("demo", "tiny", self.settings)
        return Run(settings, WorkDir(self.place / "work"))

    def start(self) -> int:
        work = f"--work={self.run.work.root}"
        words = ["all", "--source=demo", "--preset=tiny", work]
        words += [f"--set={key}={value}" for key, value in self.settings.items()]
        return self.zygote.start(words)

    def submission(self) -> tuple[str, bytes]:
        (path,) = self.run.submissions.root.glob("demo-tiny-*.csv")
        return path.name, path.read_bytes()

    def num_ledger_lines(self) -> int:
        return len(read_ledger(self.run.submissions.ledger))

    def folders(self, stage: str) -> list[Path]:
        """What a stage makes last."""
        run = self.run
        return {
            "download": [run.raw.folder],
            "preprocess": [run.shards(split).folder for split in SPLITS],
            "train": [member.folder for member in run.members],
            "predict": [run.predictions.folder],
            "export": [run.submission.folder],
        }[stage]


def stage_of(moment: str) -> str:
    return moment.split(",")[0]


def moment_of(line: str) -> str | None:
    """What a run is at once it has said this; None: the line does not tell."""
    for moment, pattern in LIFE.items():
        if re.search(pattern, line):
            return moment
    return None


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    zygote = Zygote()
    yield zygote
    zygote.close()


def run_undisturbed(launch: Launch) -> dict[str, float]:
    """Runs to the end; returns how many seconds it was at each moment of its life."""
    began = {}
    launch.start()
    for line in launch.zygote.lines():
        moment = moment_of(line)
        if moment is not None:
            began[moment] = time.monotonic()
    assert list(began) == MOMENTS
    times = list(began.values())
    return dict(zip(MOMENTS[:-1], np.diff(times).tolist(), strict=True))


def kill(launch: Launch, aim: str, after: float) -> str:
    """Starts the run, kills it some seconds after it has come to a moment of its life.

    Returns:
        What it was at when it died; it may have got beyond the aim.
    """
    process, at = launch.start(), MOMENTS[0]
    lines = launch.zygote.lines()
    for line in lines:
        at = moment_of(line) or at
        if MOMENTS.index(at) >= MOMENTS.index(aim):
            break
    time.sleep(after)
    os.kill(process, signal.SIGKILL)
    for line in lines:
        at = moment_of(line) or at
    return at


def leave_unfinished(launch: Launch, stage: str) -> None:
    """Leaves a stage that is done as a kill just before its very end would have."""
    for folder in launch.folders(stage):
        receipt_file(folder).unlink(missing_ok=True)


def test_a_dozen_kills_change_nothing_in_the_end(
    zygote: Zygote, tmp_path: Path
) -> None:
    undisturbed, killed = (
        Launch(tmp_path / name, zygote) for name in ("first", "second")
    )
    seconds = run_undisturbed(undisturbed)
    rng = np.random.default_rng()  # other moments each time the test is run
    kills = []
    for aim in sorted(KILLS, key=MOMENTS.index):
        for halvings in range(MOST_TRIES):  # it may be over sooner than the last time
            after = rng.random() * seconds[aim] / 2**halvings
            died_at = kill(killed, aim, after)
            kills.append(f"{after:.2f} s into {aim}: died at {died_at or 'the end'}")
            if stage_of(died_at) == stage_of(aim):
                break
            leave_unfinished(killed, stage_of(aim))
        else:
            pytest.fail(f"no kill hit its stage: {kills}")
    killed.start()
    said = "".join(killed.zygote.lines())
    assert killed.submission() == undisturbed.submission(), (kills, said)
    assert killed.num_ledger_lines() == 1
