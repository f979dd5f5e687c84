"""Several devices share each batch: two logical CPUs, and two processes on loopback."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import Misuse
from pipeline.settings.team import Team, team
from tests.terminal import Terminal

WAIT_SECONDS = 90
TOLERANCE = 1e-6  # of losses and RMSE: sums of float32 in another order
# three epochs on one device, on two, and on two with an interruption after the first
ON_TWO = """
import dataclasses, json, sys
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)
from pipeline.settings.backend import start_keras
start_keras()
from pipeline.bars import progress
from pipeline.runs.resolve import Typed, settle
from pipeline.training import devices
from pipeline.training.fit import Training
from pipeline.training.training_set import load_training_set

(member,) = settle(Typed(sys.argv[1])).run.members
data = load_training_set(settle(Typed(sys.argv[1])).run, member)
config = dataclasses.replace(
    member.config, epochs=3, batch_size=7, dropout=0.0, **json.loads(sys.argv[2])
)
rows, share = [], devices.SeveralDevices.share


def counted(*arguments):
    found = share(*arguments)
    rows.append(len(found[2]))
    return found


def train(names, begun=None, epochs=3):
    devices.accelerators = lambda: names
    devices.SeveralDevices.share = counted
    start_keras()
    training = Training(config, data)
    training.resume(begun)
    with progress(1, "train", "image") as bar:
        while training.epoch < epochs:
            training.run_epoch(bar)
    return training.state


def told(state):
    names = "loss", "train_rmse", "epoch_rmse"
    return [[row[name] for name in names] for row in state.history]


both = "CPU:0", "CPU:1"
curves = told(train(())), told(train(both)), told(train(both, train(both, epochs=1)))
print(json.dumps({"curves": curves, "rows": rows[:4]}))
"""


@pytest.mark.slow
def test_two_devices_learn_what_one_does(done: Terminal) -> None:
    settings = {"first_layer_rate": 0.5, "loss": "votes", "ema_epochs": 1.0}
    found = subprocess.run(
        [sys.executable, "-c", ON_TWO, str(done.work), json.dumps(settings)],
        capture_output=True,
        text=True,
        timeout=2 * WAIT_SECONDS,
    )
    assert found.returncode == 0, found.stderr
    facts = json.loads(found.stdout)
    assert facts["rows"] == [3, 4, 3, 4]  # of batches of 7
    one, two, resumed = map(np.array, facts["curves"])
    assert one.shape == (3, 3)
    assert np.abs(one - two).max() < TOLERANCE
    assert np.array_equal(two, resumed)


class Machine:
    """One of two that train together, by `./run.sh train` in a process of its own."""

    def __init__(self, number: int, ports: list[int], folder: Path, work: Path) -> None:
        self.said = folder / f"machine-{number}-{time.monotonic_ns()}.txt"
        places = [f"127.0.0.1:{port}" for port in ports]
        task = {"type": "worker", "index": number}
        config = json.dumps({"cluster": {"worker": places}, "task": task})
        words = ("train", "--work", str(work), "--set=train.epochs=60")
        with open(self.said, "w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pipeline", *words],
                env=os.environ | {"TF_CONFIG": config},
                stdout=file,
                stderr=file,
            )

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + WAIT_SECONDS
        while text not in self.said.read_text():
            assert time.monotonic() < end, self.said.read_text()
            assert self.process.poll() is None, self.said.read_text()
            time.sleep(0.1)


def two_machines(folder: Path, work: Path) -> list[Machine]:
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    return [Machine(number, ports, folder, work) for number in range(2)]


@pytest.mark.slow
def test_two_machines_train_one_network_and_resume_when_one_dies(
    later: Terminal, tmp_path: Path
) -> None:
    first, second = two_machines(tmp_path, later.work)
    first.wait_for("epoch 2/60")
    second.process.kill()
    second.process.wait()
    assert first.process.wait(60) == 1
    line = first.said.read_text().splitlines()[-1]
    assert line.startswith("error: Another machine of this training is gone (")
    again = two_machines(tmp_path, later.work)
    for machine in again:
        assert machine.process.wait(WAIT_SECONDS) == 0, machine.said.read_text()
        assert "resuming after epoch " in machine.said.read_text()
    # that both have the same weights, each of them has looked at itself
    later.type("train", "--set=train.epochs=60")
    (member,) = later.run.members
    assert member.result["devices"] == 2
    lines = [machine.said.read_text().splitlines()[-1] for machine in again]
    assert lines[0] == lines[1]
    assert f"{member.result['epoch_rmse']:.4f}" in lines[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "does not name this machine"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}}', "does not name this machine"),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 3}}',
            "does not name this machine",
        ),
        (
            '{"cluster": {"ps": ["a:1"], "worker": ["b:1"]},'
            ' "task": {"type": "worker", "index": 0}}',
            "takes chief and worker, not ps",
        ),
    ],
)
def test_what_names_no_machine_is_refused(
    monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(Misuse, match=said):
        team()


def test_the_chief_is_the_first_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = {"worker": ["b:1", "c:1"], "chief": ["a:1"]}
    for kind, index, place in (("chief", 0, 0), ("worker", 1, 2)):
        task = {"type": kind, "index": index}
        text = json.dumps({"cluster": cluster, "task": task})
        monkeypatch.setenv("TF_CONFIG", text)
        assert team() == Team(place, ("a:1", "b:1", "c:1"))
        assert team().is_first == (place == 0)


def test_one_machine_is_no_team(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert team() is None


def test_a_team_only_trains(later: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = {"worker": ["a:1", "b:1"]}
    task = {"type": "worker", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    assert later.type("all") == 2
    assert later.error == (
        'TF_CONFIG is for "./run.sh train". Unset TF_CONFIG to run it on this machine '
        "alone."
    )
    assert later.type("status") == 0
