"""Files that take the place of a network: damaged, foreign, or made to do harm."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pipeline.errors import PipelineError
from pipeline.inference.ensemble import predict_members
from pipeline.inference.views import load_network
from pipeline.runs.graph import Run
from pipeline.runs.paths import WorkDir, network_file
from tests.finished_run import note_anew
from tests.networks import build_small

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    build_small().save(path)
    return path


def rewritten(saved: Path, path: Path, change: Change) -> Path:
    """The network with another configuration."""
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config)
                content = json.dumps(config).encode()
            new.writestr(name, content)
    return path


def layers_of(config: dict[str, Any]) -> list[dict[str, Any]]:
    return config["config"]["layers"]


def unknown_layer(config: dict[str, Any]) -> None:
    layers_of(config)[1] |= {"class_name": "Unheard", "module": "keras.layers"}


def foreign_module(config: dict[str, Any]) -> None:
    layers_of(config)[1] |= {"class_name": "system", "module": "os"}


def run_code(config: dict[str, Any]) -> None:
    """As a Lambda layer is saved: its bytecode, in letters."""
    code = keras.layers.Lambda(lambda x: Path("ran").touch() or x)
    layer = keras.saving.serialize_keras_object(code)
    kept = {key: layers_of(config)[1][key] for key in ("name", "inbound_nodes")}
    layers_of(config)[1] = layer | kept


def newer_keras(config: dict[str, Any]) -> None:
    layers_of(config)[1]["config"]["not_yet_invented"] = True


@pytest.mark.parametrize(
    "change", [unknown_layer, foreign_module, run_code, newer_keras]
)
def test_a_network_that_names_something_else_is_refused_and_runs_nothing(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    file = rewritten(saved, tmp_path / "model.keras", change)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PipelineError) as refusal:
        load_network(file, 32)
    said = str(refusal.value)
    assert said.startswith(f"{file} does not load with Keras {keras.__version__}: ")
    assert "\n" not in said
    assert len(said) < len(str(file)) + 340
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"PK\3\4 not a zip", b"\x89HDF\r\n\x1a\n"])
def test_what_is_no_network_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.keras"
    file.write_bytes(content)
    with pytest.raises(PipelineError, match=r"model.keras does not load with Keras"):
        load_network(file, 32)


def test_a_network_cut_short_anywhere_is_refused(saved: Path, tmp_path: Path) -> None:
    whole, file = saved.read_bytes(), tmp_path / "model.keras"
    for length in range(0, len(whole), len(whole) // 23):
        file.write_bytes(whole[:length])
        with pytest.raises(PipelineError, match=r"does not load with Keras"):
            load_network(file, 32)


def test_a_network_for_other_images_is_refused(saved: Path) -> None:
    with pytest.raises(PipelineError) as refusal:
        load_network(saved, 64)
    assert str(refusal.value) == (
        f"{saved} is not a network for images of 64 px: it takes and gives "
        "((None, 32, 32, 3), (None, 37)), where it should be ((None, 64, 64, 3), "
        "(None, 37))."
    )


def test_a_hostile_network_under_a_fitting_receipt_is_refused_with_what_to_do(
    finished: Run, saved: Path, tmp_path: Path
) -> None:
    run = Run(finished.settings, WorkDir(tmp_path / "work"))
    shutil.copytree(finished.work.root, run.work.root)
    file = rewritten(saved, network_file(run.members[0].folder), run_code)
    note_anew(run.members[0], file)
    with pytest.raises(PipelineError, match=r"does not load .*Lambda") as it:
        predict_members(
            run.settings.predict, run.shards("test"), run.members, [np.arange(2)]
        )
    again = f'Run "./run.sh train --force --work {run.work.root}" to train it again.'
    assert str(it.value).endswith(again)
