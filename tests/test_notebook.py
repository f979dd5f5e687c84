"""docs/kaggle.ipynb, from its inputs to submission.csv; the data set that it takes."""

import json
import os
import shutil
import sys
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.notebook import COMPETITION, LACKING, NOTEBOOK, Clone, Machine, cells, close
from tests.terminal import Terminal

FIRST = "".join(f"{part}\n\n" for part in cells()[:2])  # settings, and what is attached


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    clone = Clone(tmp_path_factory.mktemp("packed") / "clone")
    done = clone.pack()
    assert done.returncode == 0, done.stderr
    return clone


@pytest.fixture
def machine(clone: Clone, tmp_path: Path, terminal: Terminal) -> Iterator[Machine]:
    """One with our data set, and the demo sky as the competition's data."""
    machine = Machine(tmp_path)
    shutil.unpack_archive(clone.zip, machine.input / "galaxy-zoo")
    assert terminal.type("download", "--source", "demo", "--preset", "tiny") == 0
    (machine.input / COMPETITION).mkdir()
    for path in terminal.work.glob("raw/demo-*/*.zip"):
        shutil.copy(path, machine.input / COMPETITION)
    close(machine.input)
    yield machine
    for folder in (machine.input, *machine.input.rglob("*/")):
        folder.chmod(0o755)


@pytest.mark.slow
def test_it_ends_with_a_submission_where_kaggle_expects_it(machine: Machine) -> None:
    before = sorted(machine.input.rglob("*"))
    done = machine.run(PRESET="tiny", EPOCHS=2)
    assert done.returncode == 0, done.stdout + done.stderr
    table = pd.read_csv(machine.working / "submission.csv")
    with zipfile.ZipFile(machine.input / COMPETITION / "all_zeros_benchmark.zip") as z:
        sample = pd.read_csv(z.open("all_zeros_benchmark.csv"))
    assert [*table.columns] == [*sample.columns]
    assert len(table) == 16
    np.testing.assert_array_equal(table["GalaxyID"], sample["GalaxyID"])
    assert table.iloc[:, 1:].stack().between(0, 1).all()
    assert "epoch 2/2" in done.stdout
    assert '<iframe srcdoc="' in done.stdout
    assert sorted(machine.input.rglob("*")) == before


@pytest.mark.slow
def test_it_installs_what_is_not_there_and_nothing_else(machine: Machine) -> None:
    (site,) = machine.python.parents[1].glob("lib/python3.*/site-packages")
    before = {path.name for path in site.iterdir()}
    done = machine.run(PRESET="no such preset")
    added = {path.name for path in site.iterdir()} - before
    assert {name.partition("-")[0].partition(".")[0] for name in added} == {*LACKING}
    assert all(path.is_symlink() for path in site.glob("t*"))  # TensorFlow, say
    assert done.returncode == 1
    assert "no such preset" in done.stdout
    assert done.stderr.endswith(
        "RuntimeError: pipeline failed. The lines above say why.\n"
    )


def test_the_data_set_holds_the_code_and_wheels(clone: Clone) -> None:
    with zipfile.ZipFile(clone.zip) as file:
        names = {name.partition("/")[2] for name in file.namelist()}
    assert {"pipeline/__main__.py", "LICENSE"} < names
    assert "pipeline/reporting/templates/report.html" in names
    wheels = {Path(name).name for name in names if name.endswith(".whl")}
    packages = {wheel.partition("-")[0] for wheel in wheels}
    assert packages == {*LACKING, "tabulate", "tomlkit"}


def test_a_wheel_that_is_not_the_listed_one_is_refused(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone")
    (wheel,) = clone.wheels.glob("simplejpeg-*")
    wheel.write_bytes(wheel.read_bytes() + b"more")
    done = clone.pack()
    assert done.returncode == 1
    assert done.stderr == (
        "error: The wheels for Python 3.11 are not complete: a package is not the one "
        "that requirements.txt lists. Look at what serves your packages: a proxy, or "
        "an index of your own.\n"
    )
    assert not clone.zip.exists()


# --- what is attached


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder above that of the notebook."""
    (tmp_path / "working").mkdir()
    monkeypatch.chdir(tmp_path / "working")
    display = types.SimpleNamespace(HTML=None, display=None)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setenv("KAGGLE_API_TOKEN", "")
    return tmp_path


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.touch()
    return path


@pytest.mark.parametrize("ours", ["galaxy-zoo", "datasets/someone/galaxy-zoo"])
@pytest.mark.parametrize("theirs", ["", "competitions/"])
def test_inputs_are_found_however_kaggle_mounts_them(
    ours: str, theirs: str, place: Path
) -> None:
    code = place / "input" / ours / "galaxy-zoo-pipeline"
    put(code / "pipeline" / "__main__.py")
    images = put(place / "input" / theirs / COMPETITION / "images_training_rev1.zip")
    found = {}
    exec(FIRST, found)
    assert (found["CODE"], found["SOURCE"]) == (code, images.parent)


def test_unpacked_images_are_found_by_the_outermost_folder(place: Path) -> None:
    put(place / "input" / "galaxy-zoo" / "pipeline" / "__main__.py")
    images = place / "input" / COMPETITION / "images_training_rev1"
    put(images / "images_training_rev1" / "100008.jpg")
    found = {}
    exec(FIRST, found)
    assert found["SOURCE"] == images.parent


def test_what_is_not_attached_is_told_by_its_step(place: Path) -> None:
    (place / "input").mkdir()
    with pytest.raises(FileNotFoundError, match=r"pipeline\.zip is missing: .* 1 to 3"):
        exec(FIRST, {})
    put(place / "input" / "galaxy-zoo" / "pipeline" / "__main__.py")
    with pytest.raises(FileNotFoundError, match="data are missing: see step 3"):
        exec(FIRST, {})


def test_on_colab_the_zip_is_unpacked_and_a_token_asked_for(
    place: Path, clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(clone.zip, place / "working")
    monkeypatch.setattr("getpass.getpass", lambda prompt: "a token")
    found = {}
    exec(FIRST, found)
    assert found["CODE"] == place / "working" / "galaxy-zoo-pipeline"
    assert found["SOURCE"] == "kaggle"
    assert os.environ["KAGGLE_API_TOKEN"] == "a token"
    put(place / "working" / "work" / "raw" / "kaggle" / "images_training_rev1.zip")
    exec(FIRST, found)  # our own download is not mistaken for an input
    assert found["SOURCE"] == "kaggle"


def test_it_is_kept_without_outputs() -> None:
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
