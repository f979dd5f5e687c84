"""Every stage through the command line, as a user types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.__main__ import main
from pipeline.fractions import read_fractions, write_fractions
from tests.conftest import TEST_IDS, some_fractions

SMALL = {
    "preprocess.shard_size": 7,
    "preprocess.image_size": 16,
    "train.width": 4,
    "train.epochs": 2,
    "train.batch_size": 8,
    "train.validation_fraction": 0.3,
}


class Terminal:
    """Types commands in this process; keeps what they printed."""

    def __init__(self, tmp_path: Path, patch: pytest.MonkeyPatch, capture) -> None:
        self.work, self.submissions = tmp_path / "work", tmp_path / "submissions"
        self.patch, self.capture = patch, capture

    def type(self, *words: str) -> int:
        self.patch.setattr(sys, "argv", ["./run.sh", *words, "--work", str(self.work)])
        code = main()
        self.out, self.err = self.capture.readouterr()
        return code

    def run_all(self, source: str) -> int:
        settings = SMALL | {"export.folder": self.submissions}
        sets = [f"--set={key}={value}" for key, value in settings.items()]
        return self.type("all", "--source", source, "--preset", "tiny", *sets)


@pytest.fixture
def terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> Terminal:
    return Terminal(tmp_path, monkeypatch, capsys)


def states(terminal: Terminal) -> dict[str, str]:
    terminal.type("status")
    rows = [line.split() for line in terminal.out.splitlines()[2:]]
    return {row[0]: row[2] for row in rows}


def test_all_ends_with_the_path_of_a_valid_submission(
    terminal: Terminal, folder: Path
) -> None:
    assert terminal.run_all(str(folder)) == 0
    (line,) = terminal.out.splitlines()
    ids, fractions = read_fractions(Path(line))
    assert ids.tolist() == TEST_IDS.tolist()
    assert fractions.shape == (6, 37)


def test_all_again_does_nothing_and_says_so(terminal: Terminal, folder: Path) -> None:
    terminal.run_all(str(folder))
    first = terminal.out
    files = {path: path.stat().st_mtime_ns for path in terminal.work.rglob("*.*")}
    assert terminal.type("all") == 0
    assert terminal.out == first
    assert terminal.err.count("up to date") == 6
    assert {
        path: path.stat().st_mtime_ns for path in terminal.work.rglob("*.*")
    } == files


def test_a_training_with_other_knobs_makes_stale_just_what_follows(
    terminal: Terminal, folder: Path
) -> None:
    terminal.run_all(str(folder))
    assert set(states(terminal).values()) == {"done"}
    assert terminal.type("train", "--set", "train.epochs=3") == 0
    assert states(terminal) == {
        "raw": "done",
        "shards/train": "done",
        "shards/test": "done",
        "models/seed0": "done",
        "validation": "stale",
        "predictions": "stale",
        "submission": "stale",
    }
    assert terminal.type("all") == 0
    assert terminal.err.count("up to date") == 4
    assert set(states(terminal).values()) == {"done"}


def test_a_stage_before_its_turn_names_the_one_to_run(
    terminal: Terminal, folder: Path
) -> None:
    assert terminal.type("predict", "--source", str(folder)) == 1
    assert 'is missing. Run "./run.sh preprocess" first.' in terminal.err
    assert terminal.out == ""


def test_a_bad_setting_is_refused_before_any_work(terminal: Terminal) -> None:
    assert terminal.type("all", "--source", "demo", "--set", "train.epoch=1") == 1
    assert terminal.err == (
        'error: Unknown setting "train.epoch". Did you mean "train.epochs"? '
        '"./run.sh --help" lists them all.\n'
    )
    assert not terminal.work.exists()


def test_a_sigmoid_head_gives_a_valid_submission_too(
    terminal: Terminal, folder: Path
) -> None:
    terminal.run_all(str(folder))
    assert terminal.type("all", "--set", "train.head=sigmoid") == 0
    _, fractions = read_fractions(Path(terminal.out.strip()))
    np.testing.assert_allclose(fractions[:, 0:3].sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(fractions[:, 3:5].sum(1), fractions[:, 1], atol=1e-5)


def test_a_bad_test_image_is_predicted_as_the_column_means(
    terminal: Terminal, folder: Path
) -> None:
    from tests.test_preprocess import spoil

    spoil(folder / "images_test_rev1.zip", {"images_test_rev1/200002.jpg": b""})
    terminal.run_all(str(folder))
    _, fractions = read_fractions(Path(terminal.out.strip()))
    receipt = json.loads((terminal.work / "models/seed0/receipt.json").read_text())
    np.testing.assert_allclose(fractions[2], receipt["result"]["means"], atol=1e-6)
    assert "bad image 200002.jpg: empty file; predicted as the column" in terminal.err


def test_score_prints_json_and_takes_any_submission(
    terminal: Terminal, folder: Path, tmp_path: Path
) -> None:
    terminal.run_all(str(folder))
    truth = tmp_path / "truth.csv"
    write_fractions(truth, TEST_IDS, some_fractions(6, seed=5))
    assert terminal.type("score", "--solutions", str(truth), "--json") == 0
    verdict = json.loads(terminal.out)
    assert 0 < verdict["rmse"] < 1
    assert verdict["num_galaxies"] == 6
    words = ("--solutions", str(truth), "--submission", str(truth), "--json")
    assert terminal.type("score", *words) == 0
    assert json.loads(terminal.out)["rmse"] == 0


def test_two_fresh_work_directories_give_the_same_bytes(
    terminal: Terminal, folder: Path
) -> None:
    terminal.run_all(str(folder))
    first = Path(terminal.out.strip()).read_bytes()
    terminal.work = terminal.work.with_name("another")
    terminal.submissions = terminal.submissions.with_name("others")
    terminal.run_all(str(folder))
    assert Path(terminal.out.strip()).read_bytes() == first


def test_help_explains_every_knob() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"COLUMNS": "100"},
    )
    from pipeline.config import all_knobs

    for key, item in all_knobs().items():
        assert f"  {key}: " in done.stdout
        assert item.metadata["help"] in done.stdout


def test_a_wrong_command_is_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "trian"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "invalid choice: 'trian'" in done.stderr
