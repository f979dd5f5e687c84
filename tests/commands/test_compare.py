import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline.commands.compare import compare
from pipeline.data.metrics import score_fractions
from pipeline.errors import PipelineError
from pipeline.runs.contents import load_held_out
from tests.finished_run import note_anew
from tests.terminal import Terminal


@pytest.fixture(scope="module")
def two(done: Terminal, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two runs in a work directory: four channels, then six."""
    terminal = Terminal(tmp_path_factory.mktemp("two"))
    shutil.copytree(done.work, terminal.work)
    first = terminal.run.digest
    assert terminal.type("predict", "--set=train.width=6") == 1  # not trained yet
    words = ("--set=train.width=6", "--set=train.epochs=1")
    assert terminal.type("train", *words) == 0
    assert terminal.type("predict") == 0
    return f"{terminal.work}:{first}", str(terminal.work)


def test_differences_are_paired_and_of_shared_galaxies(
    two: tuple[str, str], done: Terminal
) -> None:
    first, second = compare(two)
    data = load_held_out(done.run.held_out)
    assert first["num_shared"] == len(data.ids)
    assert first["rmse"] == pytest.approx(
        score_fractions(data.fractions, data.targets).rmse
    )
    assert (first["difference"], first["difference_standard_error"]) == (0, 0)
    assert second["difference"] == pytest.approx(second["rmse"] - first["rmse"])
    assert 0 < second["difference_standard_error"] < second["standard_error"]
    fitted = 24 - len(data.ids)
    assert (first["num_images_seen"], second["num_images_seen"]) == (2 * fitted, fitted)
    assert second["num_parameters"] > first["num_parameters"] > 0


def test_it_is_text_markdown_or_json(two: tuple[str, str], tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    assert terminal.type_anywhere("compare", *two) == 0
    text = terminal.out.splitlines()
    assert text[0].split()[:2] == ["run", "preset"]
    assert text[1].startswith(two[0])
    assert text[-1].startswith("RMSE on the ")
    assert terminal.type_anywhere("compare", *two, "--markdown") == 0
    table = terminal.out.splitlines()
    assert len(table) == 4
    assert all(line.startswith("|") and line.endswith("|") for line in table)
    assert terminal.type_anywhere("compare", *two, "--json") == 0
    assert json.loads(terminal.out)["runs"] == compare(two)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", r"There is no run in .*nowhere\. Its runs: none\."),
        (
            "{work}:00000000",
            r"There is no run 00000000 in .*work\. Its runs: [0-9a-f]{8}",
        ),
    ],
)
def test_a_run_that_is_not_there_is_named(
    done: Terminal, name: str, message: str
) -> None:
    with pytest.raises(PipelineError, match=message):
        compare([name.format(work=done.work)])


def test_a_run_that_is_not_finished_is_refused(later: Terminal) -> None:
    shutil.rmtree(later.run.held_out.folder)
    with pytest.raises(PipelineError, match='is missing. Run "./run.sh predict --work'):
        compare([str(later.work)])


def test_runs_that_held_out_other_galaxies_are_refused(later: Terminal) -> None:
    first = f"{later.work}:{later.run.digest}"
    assert later.type("train", "--set=train.num_folds=2") == 0
    held_out = later.run.held_out
    assert later.type("predict") == 0
    file = held_out.folder / "held_out.npz"
    with np.load(file) as data:
        parts = dict(data)
    parts["ids"] = parts["ids"] + 1_000_000
    np.savez(file, **parts)
    note_anew(held_out, file)
    with pytest.raises(PipelineError, match="These runs share 0 held-out galaxies"):
        compare([first, str(later.work)])


def test_blending_takes_a_run_of_the_same_work_directory(
    two: tuple[str, str], tmp_path: Path
) -> None:
    terminal = Terminal(tmp_path)
    shutil.copytree(two[1], terminal.work)
    first = two[0].rpartition(":")[2]
    name = f"{terminal.work}:{first}"
    assert terminal.type("predict", f"--set=predict.blend_with={name}") == 0
    assert terminal.run.predictions.result["averaged_with"] == [name]
    assert terminal.type("predict") == 0
    assert f"{terminal.run.predictions.name} is up to date" in terminal.err
    assert terminal.type("predict", f"--set=predict.blend_with={terminal.work}") == 1
    assert "the work directory itself. Name one of its runs: " in terminal.error
