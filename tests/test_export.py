import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pipeline import artifacts, workdir
from pipeline.artifacts import making
from pipeline.config import Config, make_config
from pipeline.download import download
from pipeline.errors import PipelineError
from pipeline.export import csv_path, export, submission_name
from pipeline.fractions import read_fractions
from pipeline.ledger import read_ledger
from pipeline.preprocess import preprocess
from pipeline.workdir import WorkDir
from tests.conftest import TEST_IDS, small_config, some_fractions, zip_csv
from tests.finished_run import Run


@pytest.fixture
def config(ready: Run) -> Config:
    return ready.config


@pytest.fixture
def work(ready: Run) -> WorkDir:
    return ready.work


def predicted(
    config: Config,
    work: WorkDir,
    fractions: np.ndarray | None = None,
    ids: np.ndarray = TEST_IDS,
) -> None:
    """Makes what else export needs, with the given predictions."""
    for member in artifacts.members(config, work):
        with making(member) as result:
            result["weights"] = "none"
    predictions = artifacts.predictions(config, work)
    with making(predictions) as result:
        content = some_fractions(6) if fractions is None else fractions
        path = workdir.predictions_file(predictions.folder)
        np.savez(path, ids=ids, fractions=content)
        result["validation_rmse"] = 0.1


def submissions(config: Config) -> list[str]:
    folder = Path(config.export.folder)
    return sorted(path.name for path in folder.glob("*")) if folder.exists() else []


def test_the_submission_has_the_test_galaxies_in_order(
    config: Config, work: WorkDir
) -> None:
    predicted(config, work)
    export(config, work)
    ids, fractions = read_fractions(csv_path(config, work))
    assert ids.tolist() == TEST_IDS.tolist()
    np.testing.assert_allclose(fractions, some_fractions(6), atol=5e-8)


def test_the_name_tells_source_and_preset(config: Config, work: WorkDir) -> None:
    predicted(config, work)
    export(config, work)
    assert csv_path(config, work).name.startswith("competition-tiny-")


def test_a_demo_submission_says_so_whatever_its_name(
    config: Config, work: WorkDir
) -> None:
    predicted(config, work)
    predictions = artifacts.predictions(config, work)
    named = make_config("demo", "tiny", {"export.name": "mine"})
    assert submission_name(named, predictions) == "demo-mine"
    assert submission_name(make_config("demo", "tiny"), predictions).startswith("demo-")


def test_the_ledger_has_a_line_for_each_submission(
    config: Config, work: WorkDir, prepared: Run
) -> None:
    predicted(config, work)
    export(config, work)
    export(config, work)
    export(config, work, force=True)
    (row,) = read_ledger(Path(config.export.folder))
    assert row["file"] == csv_path(config, work).name
    assert row["source"] == prepared.config.source
    assert row["preset"] == "tiny"
    assert row["validation_rmse"] == "0.10000"
    assert len(row["sha256"]) == 64
    named = dataclasses.replace(
        config, export=dataclasses.replace(config.export, name="mine")
    )
    export(named, work)
    assert read_ledger(Path(config.export.folder))[1]["file"] == "mine.csv"


def test_a_submission_that_was_changed_by_hand_is_written_again(
    config: Config, work: WorkDir
) -> None:
    predicted(config, work)
    export(config, work)
    path = csv_path(config, work)
    good = path.read_bytes()
    path.write_text("edited")
    export(config, work)
    assert path.read_bytes() == good


def with_value(value: float) -> np.ndarray:
    fractions = some_fractions(6)
    fractions[2, 1] = value
    return fractions


@pytest.mark.parametrize(
    ("fractions", "ids", "message"),
    [
        (with_value(np.nan), TEST_IDS, "200002: Class1.2 is nan"),
        (with_value(1.01), TEST_IDS, "values outside 0 to 1.*Class1.2 is 1.01"),
        (with_value(-0.01), TEST_IDS, "200002: Class1.2 is -0.01"),
        (with_value(0.001), TEST_IDS, "break the decision tree.*200002 at question 1"),
        (some_fractions(6), TEST_IDS[::-1], "differ, at galaxy 200005 first"),
        (some_fractions(5), TEST_IDS[:5], "hold 5 galaxies, the test set 6.*200005"),
    ],
)
def test_bad_predictions_leave_no_file(
    config: Config,
    work: WorkDir,
    fractions: np.ndarray,
    ids: np.ndarray,
    message: str,
) -> None:
    predicted(config, work, fractions, ids)
    with pytest.raises(PipelineError, match=message):
        export(config, work)
    assert submissions(config) == []


def test_test_images_must_be_those_of_the_sample_submission(
    folder: Path, tmp_path: Path
) -> None:
    zip_csv(folder / "all_zeros_benchmark.zip", TEST_IDS[1:], np.zeros((5, 37)))
    config = small_config(folder, tmp_path / "submissions")
    work = WorkDir(tmp_path / "work")
    download(config, work)
    preprocess(config, work)
    predicted(config, work)
    with pytest.raises(PipelineError, match="differ in 1 galaxies, .* being 200000"):
        export(config, work)
    assert submissions(config) == []
