"""Time as a setting, from the command line."""

import re
import shlex
from pathlib import Path

import pytest

from pipeline.machine import num_cores
from pipeline.runs.receipts import read_receipt
from pipeline.settings import planning
from pipeline.training import pace
from tests.terminal import Terminal


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "TIMED_SECONDS", 0.1)
    monkeypatch.setattr(planning, "MOST_SEEDS", 2)


def csv_of(terminal: Terminal) -> str:
    return terminal.out.strip().rpartition("/")[2]


def test_minutes_make_a_plan_that_is_kept(terminal: Terminal, folder: Path) -> None:
    assert terminal.run_all(folder, "--minutes", "30") == 0
    assert "plan for 30.0 min: " in terminal.err
    first = csv_of(terminal)
    states = terminal.states()
    (plan,) = [name for name in states if name.startswith("plan-")]
    assert states[plan] == "done"
    # three times the two epochs asked for
    train = terminal.run.settings.train
    assert (train.epochs, train.num_seeds) == (6, 2)
    assert terminal.type("all") == 0
    assert f"{plan} is up to date" in terminal.err
    assert csv_of(terminal) == first


def test_the_printed_settings_repeat_it(terminal: Terminal, folder: Path) -> None:
    assert terminal.run_all(folder, "--minutes", "30") == 0
    planned = csv_of(terminal)
    (command,) = re.findall(r'repeat    "./run.sh (.*)" without', terminal.err)
    assert terminal.type_anywhere(*shlex.split(command)) == 0
    assert "plan" not in terminal.err
    assert csv_of(terminal) == planned
    assert not [name for name in terminal.states() if name.startswith("plan-")]


def test_too_few_minutes_are_one_line(terminal: Terminal, folder: Path) -> None:
    assert terminal.run_all(folder, "--minutes", "0.01") == 2
    assert terminal.error.startswith("minutes=0.01 is too short: ")
    assert "Raise it, or leave it out with --unset minutes." in terminal.error


@pytest.mark.slow
def test_minutes_are_planned_for_networks_side_by_side(
    terminal: Terminal, folder: Path
) -> None:
    assert terminal.run_all(folder, "--minutes=30", "--set=train.threads=1") == 0
    (plan,) = terminal.run.work.root.glob("plan-*")
    result = read_receipt(plan)["result"]
    assert result["at_once"] == num_cores()
    assert result["plan"]["num_seeds"] == 2
    members = terminal.run.planned.members
    assert [member.receipt["made"]["threads"] for member in members] == [1, 1]


def test_minutes_stand_in_a_file_and_can_be_unset(
    terminal: Terminal, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("minutes = 30\n")
    assert terminal.run_all(folder, f"--config={file}", "--dry-run") == 0
    assert "plan-" in terminal.out
    assert "All of it takes about 30.0 min." in terminal.out
    assert terminal.run_all(folder, "--minutes=30") == 0
    assert terminal.type("settings") == 0
    assert re.search(r"^minutes +30\.0 +saved", terminal.out, re.MULTILINE)
    assert terminal.type("status", "--unset=minutes") == 0
    assert "plan-" not in terminal.out


@pytest.mark.parametrize("words", [("--minutes=5",), ("--set=minutes=5",)])
def test_minutes_are_for_all(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert terminal.type("train", *words) == 2
    assert 'minutes is for "./run.sh all".' in terminal.error
