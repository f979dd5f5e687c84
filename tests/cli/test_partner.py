"""A second kind of network beside the first."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from pipeline.inference.ensemble import predict_members
from pipeline.runs.contents import load_held_out, load_ids, load_predictions
from pipeline.runs.receipts import read_receipt
from pipeline.settings import planning
from pipeline.training import pace
from tests.terminal import Terminal

PARTNER = (  # unlike the first kind in all that it has of its own
    "--partner.num_seeds=1",
    "--partner.width=8",
    "--partner.equivariant=true",
    "--partner.epochs=3",
    "--partner.batch_size=6",
    "--partner.optimizer=muon",
)


def csv_of(terminal: Terminal) -> str:
    return terminal.out.strip().rpartition("/")[2]


def test_a_partner_is_trained_and_averaged_with_the_first(
    terminal: Terminal, folder: Path
) -> None:
    assert terminal.run_all(folder) == 0
    alone = csv_of(terminal)
    (first,) = terminal.run.members
    trained = first.receipt["made"]["at"]
    assert terminal.run_all(folder, *PARTNER) == 0
    assert csv_of(terminal) != alone
    assert "made      2 networks" in terminal.err
    run = terminal.run
    own, partner = run.members
    assert own.name == first.name
    assert own.receipt["made"]["at"] == trained  # not trained again
    assert (own.result["epochs"], partner.result["epochs"]) == (2, 3)
    assert partner.settings["equivariant"]
    assert partner.settings["width"] == 8
    split = run.shards("test")
    rows = [np.arange(len(load_ids(split)))] * 2
    parts = predict_members(run.settings.predict, split, run.members, rows)
    fractions = load_predictions(run.predictions).fractions
    np.testing.assert_allclose(fractions, np.mean(parts, axis=0), atol=1e-7)
    assert len(load_held_out(run.held_out).ids) == own.result["num_validation"]


def test_other_epochs_for_the_partner_leave_the_first_as_it_is(
    terminal: Terminal, folder: Path
) -> None:
    assert terminal.run_all(folder, *PARTNER) == 0
    names = [member.name for member in terminal.run.members]
    assert terminal.type("all", "--partner.epochs=2") == 0
    others = [member.name for member in terminal.run.members]
    assert others[0] == names[0]
    assert others[1] != names[1]


def test_one_member_is_trained_by_its_number(terminal: Terminal, folder: Path) -> None:
    assert terminal.run_all(folder, *PARTNER, "--partner.num_seeds=2") == 0
    assert [member.title for member in terminal.run.members] == [
        "compact-seed0",
        "compact-seed0",
        "compact-seed1",
    ]
    assert terminal.type("train", "--member=2", "--train.seed=5") == 0, terminal.err
    assert "compact-seed5 (2/3)" in terminal.err
    assert terminal.type("train", "--member=4") == 2
    assert "from 1 to 3" in terminal.error


@pytest.mark.slow
def test_minutes_are_planned_for_both_kinds(
    terminal: Terminal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "TIMED_SECONDS", 0.1)
    monkeypatch.setattr(planning, "MOST_SEEDS", 1)
    assert terminal.run_all(folder, *PARTNER, "--minutes=30") == 0
    assert "plan for 30.0 min: 1 network of 6 epochs and 1 network of 9 epochs" in (
        terminal.err
    )
    first = csv_of(terminal)
    (plan,) = terminal.run.work.root.glob("plan-*")
    result = read_receipt(plan)["result"]
    assert [*result["paces"]] == ["train", "partner"]
    assert (result["plan"]["epochs"], result["plan"]["partner_epochs"]) == (6, 9)
    assert terminal.type("all") == 0
    assert csv_of(terminal) == first
    (command,) = re.findall(r'repeat    "./run.sh (.*)" without', terminal.err)
    assert terminal.type_anywhere(*shlex.split(command)) == 0
    assert csv_of(terminal) == first
    assert not [name for name in terminal.states() if name.startswith("plan-")]
