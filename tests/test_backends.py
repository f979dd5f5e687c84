"""The other engines of Keras, where tests/requirements-backends.txt is installed."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.files import read_json
from pipeline.runs.paths import PROJECT
from pipeline.settings.backend import start_keras
from tests.networks import build_small, noise, predict

start_keras()

OTHERS = ("torch", "jax")
LITE0 = {  # the preset cpu, as small as it still is one
    "demo.num_train": 40,
    "demo.num_test": 8,
    "train.epochs": 2,
    "predict.num_zooms": 1,
    "predict.num_rotations": 1,
}
COMMANDS = (("report",), ("classify",), ("show", "{galaxy}"), ("status",))


def need(*packages: str) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


def python(backend: str, *words: str) -> subprocess.CompletedProcess:
    names = {"KERAS_BACKEND": backend, "PYTHONPATH": str(PROJECT)}
    return subprocess.run(
        [sys.executable, "-P", "-m", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
        env={**os.environ, **names},
    )


def run_all(backend: str, preset: str, place: Path, sets: Sequence[str]) -> Path:
    """The submission of a whole run."""
    words = [f"--set={word}" for word in (*sets, f"export.folder={place / 'csv'}")]
    common = ("--source=demo", f"--preset={preset}", f"--work={place / 'work'}")
    done = python(backend, "pipeline", "all", *common, *words)
    assert done.returncode == 0, done.stderr
    assert "oneDNN" not in done.stderr
    (receipt,) = (place / "work" / "models").glob("*/receipt.json")
    assert read_json(receipt)["recipe"]["inputs"]["backend"] == backend
    return Path(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("backend", OTHERS)
def test_the_preset_tiny_and_every_command_work(backend: str, tmp_path: Path) -> None:
    need(backend)
    table = pd.read_csv(run_all(backend, "tiny", tmp_path, ()))
    assert table.shape == (16, 38)
    for command in COMMANDS:
        words = [word.format(galaxy=table["GalaxyID"][0]) for word in command]
        done = python(backend, "pipeline", *words, f"--work={tmp_path / 'work'}")
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("backend", OTHERS)
def test_efficientnetlite0_works(backend: str, tmp_path: Path) -> None:
    need(backend)
    sets = [f"{key}={value}" for key, value in LITE0.items()]
    table = pd.read_csv(run_all(backend, "cpu", tmp_path, sets))
    assert table.shape == (8, 38)


@pytest.mark.slow
@pytest.mark.parametrize("backend", OTHERS)
def test_an_interrupted_training_ends_with_the_same_weights(backend: str) -> None:
    need(backend)
    done = python(
        backend,
        *("pytest", "-q", "-p", "no:cacheprovider", "tests/stages/test_train.py"),
        *("-k", "interrupted_training_ends or fold_has_its_network or diverge"),
    )
    assert done.returncode == 0, done.stdout


def test_a_network_becomes_a_saved_model(tmp_path: Path) -> None:
    network, images = build_small(), noise(2)
    network.export(tmp_path / "exported", verbose=False)
    import tensorflow as tf

    again = tf.saved_model.load(tmp_path / "exported")
    found = again.serve(images.astype(np.float32)).numpy()
    np.testing.assert_allclose(found, predict(network, images), atol=1e-6)


@pytest.mark.filterwarnings("ignore")  # of the packages that write ONNX
@pytest.mark.parametrize("settings", [{}, {"model": "efficientnetlite0"}])
def test_a_network_becomes_an_onnx_file(settings: dict, tmp_path: Path) -> None:
    need("onnx", "tf2onnx", "onnxruntime")
    network, images = build_small(**settings), noise(2)
    expected, file = predict(network, images), tmp_path / "network.onnx"
    network.export(file, format="onnx", verbose=False)
    import onnxruntime

    session = onnxruntime.InferenceSession(file)
    name = session.get_inputs()[0].name
    (found,) = session.run(None, {name: images.astype(np.float32)})
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("model", ["compact", "efficientnetlite0", "sirressi2020"])
def test_no_name_stops_an_export_or_pytorch(model: str) -> None:
    network = build_small(model=model)
    layers = [*network.layers]
    layers += [inner for layer in layers for inner in getattr(layer, "layers", ())]
    for layer in layers:
        assert "." not in layer.name
        assert not layer.name.startswith("_")
