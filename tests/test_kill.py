"""kill -9 at any moment, then the same command, ends as if nothing had been.

Two settings share a work directory, which is killed again and again: every start
resumes from what the kills before have left, of its own setting or of the other.
"""

import contextlib
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
from pipeline.runs.paths import SPLITS, WorkDir, partial_folder, receipt_file
from pipeline.settings.schema import make_settings
from tests.zygote import Zygote

VARIANTS: dict[str, dict[str, Any]] = {
    "32 px": {},
    "40 px": {"preprocess.image_size": 40},
}
NETWORK = r"compact-seed0"
LIFE = {  # what a run is at, in order, and what it says as it comes to it
    "download": r"work: source demo",
    "preprocess, training images": r"^raw\S* (is|\d)",
    "preprocess, test images": r"^shards/train\S* (is|\d)",
    "train, 1st epoch": r"^shards/test\S* (is|\d)",
    "train, 2nd epoch": rf"({NETWORK} .*|resuming after) epoch 1\b",
    "train, 3rd epoch or later": rf"({NETWORK} .*|resuming after) epoch 2\b",
    "train, network": rf"({NETWORK} .*|resuming after) epoch 6\b",
    "predict, held out": rf"{NETWORK}\S* (.*: epoch RMSE .* validation|is up to date)",
    "predict, test set": r"^(validation: \d+ galaxies|held_out\S* is up)",
    "export": r"^predictions\S* (is|\d)",
    "": r"^submission\S* (is|\d)",  # nothing more to kill
}
MOMENTS = list(LIFE)
MOST_TRIES = 8


class Launch(NamedTuple):
    """Where runs work, and what starts them."""

    place: Path
    zygote: Zygote

    def settings(self, variant: str) -> dict[str, Any]:
        return VARIANTS[variant] | {
            "train.epochs": 6,  # enough for some to be left after a kill
            "export.folder": str(self.place / "submissions"),
        }

    def run(self, variant: str) -> Run:
        settings = make_settings("demo", "tiny", self.settings(variant))
        return Run(settings, WorkDir(self.place / "work"))

    def start(self, variant: str) -> int:
        work = f"--work={self.place / 'work'}"
        words = ["all", "--source=demo", "--preset=tiny", work]
        sets = self.settings(variant).items()
        return self.zygote.start([*words, *(f"--set={key}={it}" for key, it in sets)])

    def submission(self, variant: str) -> tuple[str, bytes]:
        run = self.run(variant)
        name = run.submission.result["csv"]
        return name, (run.submissions.root / name).read_bytes()

    def num_ledger_lines(self) -> int:
        return len(read_ledger(self.run("32 px").submissions.ledger))

    def folders(self, variant: str, stage: str) -> list[Path]:
        """What a stage makes last."""
        run = self.run(variant)
        return {
            "download": [run.raw.folder],
            "preprocess": [run.shards(split).folder for split in SPLITS],
            "train": [member.folder for member in run.members],
            "predict": [run.held_out.folder, run.predictions.folder],
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


def run_undisturbed(launch: Launch, variant: str) -> dict[str, float]:
    """Runs to the end; returns how many seconds it was at each moment of its life."""
    began = {}
    launch.start(variant)
    for line in launch.zygote.lines():
        moment = moment_of(line)
        if moment is not None:
            began[moment] = time.monotonic()
    assert list(began) == MOMENTS
    times = list(began.values())
    return dict(zip(MOMENTS[:-1], np.diff(times).tolist(), strict=True))


def kill(launch: Launch, variant: str, aim: str, after: float) -> str:
    """Starts the run, kills it some seconds after it has come to a moment of its life.

    Returns:
        What it was at when it died; it may have got beyond the aim.
    """
    process, at = launch.start(variant), MOMENTS[0]
    lines = launch.zygote.lines()
    for line in lines:
        at = moment_of(line) or at
        if MOMENTS.index(at) >= MOMENTS.index(aim):
            break
    time.sleep(after)
    with contextlib.suppress(ProcessLookupError):  # it is over already
        os.kill(process, signal.SIGKILL)
    for line in lines:
        at = moment_of(line) or at
    return at


def leave_unfinished(launch: Launch, variant: str, stage: str) -> None:
    """Leaves a stage that is done as a kill just before its very end would have."""
    for folder in launch.folders(variant, stage):
        if folder.exists() and not partial_folder(folder).exists():
            folder.rename(partial_folder(folder))
            receipt_file(partial_folder(folder)).unlink()


@pytest.mark.slow
def test_kills_change_nothing_in_the_end(
    zygote: Zygote, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    undisturbed, killed = (
        Launch(tmp_path / name, zygote) for name in ("first", "second")
    )
    seconds = {name: run_undisturbed(undisturbed, name) for name in VARIANTS}
    seed = pytestconfig.getoption("--kill-seed") or int(time.time())
    rng = np.random.default_rng(seed)  # other moments each time the test is run
    aims = rng.choice(MOMENTS[:-1], pytestconfig.getoption("--kills"))
    log = [f"seed {seed}"]
    for aim in map(str, aims):
        variant = str(rng.choice([*VARIANTS]))
        for halvings in range(MOST_TRIES):  # it may be over sooner than the last time
            after = rng.random() * seconds[variant][aim] / 2**halvings
            died_at = kill(killed, variant, aim, after)
            log.append(f"{variant}, {after:.2f} s into {aim}: died at {died_at}")
            if stage_of(died_at) == stage_of(aim):
                break
            leave_unfinished(killed, variant, stage_of(aim))
        else:
            pytest.fail(f"no kill hit its stage: {log}")
    for variant in VARIANTS:
        killed.start(variant)
        log += killed.zygote.lines()
        assert killed.submission(variant) == undisturbed.submission(variant), log
    assert killed.num_ledger_lines() == len(VARIANTS)
