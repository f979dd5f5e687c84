import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pipeline.data.tables import read_fractions
from pipeline.errors import PipelineError
from pipeline.kaggle.ledger import read_ledger
from pipeline.runs.contents import submission_csv
from pipeline.runs.graph import Run
from pipeline.runs.paths import predictions_file
from pipeline.runs.receipts import making
from pipeline.settings.schema import make_settings
from pipeline.stages.download import download
from pipeline.stages.export import export, name_prefix
from pipeline.stages.preprocess import preprocess
from tests.miniature import TEST_IDS, some_fractions, zip_csv
from tests.terminal import Terminal


def predicted(
    run: Run, fractions: np.ndarray | None = None, ids: np.ndarray = TEST_IDS
) -> Run:
    """The run with all that export needs, the given predictions among it."""
    for artifact in (*run.members, run.held_out):
        with making(artifact):
            pass
    with making(run.predictions) as made:
        content = some_fractions(6) if fractions is None else fractions
        path = predictions_file(made.folder)
        np.savez(path, ids=ids, fractions=content)
        made.result["validation_rmse"] = 0.1
    return run


def submitted_files(run: Run) -> list[str]:
    return sorted(path.name for path in run.submissions.root.glob("*"))


def test_the_submission_has_the_test_galaxies_in_order(ready: Run) -> None:
    export(predicted(ready))
    ids, fractions = read_fractions(submission_csv(ready))
    assert ids.tolist() == TEST_IDS.tolist()
    np.testing.assert_allclose(fractions, some_fractions(6), atol=5e-8)


def test_the_name_tells_source_and_preset(ready: Run) -> None:
    export(predicted(ready))
    assert submission_csv(ready).name.startswith("competition-tiny-")


@pytest.mark.parametrize(("name", "start"), [("mine", "demo-mine"), ("", "demo-tiny")])
def test_a_demo_submission_says_so_whatever_its_name(
    ready: Run, name: str, start: str
) -> None:
    settings = make_settings("demo", "tiny", {"export.name": name})
    assert name_prefix(Run(settings, ready.work)) == start


def test_the_ledger_has_a_line_for_each_submission(ready: Run) -> None:
    export(predicted(ready))
    export(ready)
    export(ready, force=True)
    (row,) = read_ledger(ready.submissions.ledger)
    assert row["file"] == submission_csv(ready).name
    assert row["source"] == ready.settings.source
    assert row["preset"] == "tiny"
    assert row["validation_rmse"] == "0.10000"
    assert len(row["sha256"]) == 64
    named = dataclasses.replace(ready.settings.export, name="mine")
    export(Run(dataclasses.replace(ready.settings, export=named), ready.work))
    mine = read_ledger(ready.submissions.ledger)[1]
    assert mine["file"] == f"mine-{mine['sha256'][:8]}.csv"


def test_a_submission_that_was_changed_by_hand_is_written_again(ready: Run) -> None:
    export(predicted(ready))
    path = submission_csv(ready)
    good = path.read_bytes()
    path.write_text("edited")
    export(ready)
    assert path.read_bytes() == good
    (kept,) = path.parent.glob("*.changed-1.csv")
    assert kept.read_text() == "edited"


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
    ready: Run, fractions: np.ndarray, ids: np.ndarray, message: str
) -> None:
    predicted(ready, fractions, ids)
    with pytest.raises(PipelineError, match=message):
        export(ready)
    assert submitted_files(ready) == []


def test_what_export_would_refuse_is_said_before_training(
    terminal: Terminal, folder: Path
) -> None:
    free = ("--set=train.head=sigmoid", "--set=predict.obey_tree=false")
    assert terminal.run_all(folder, *free) == 1
    assert terminal.error == (
        "What train.head=sigmoid predicts breaks the decision tree, which the export "
        "refuses. Set predict.obey_tree=true."
    )
    assert not (terminal.work / "raw").exists()


def test_test_images_must_be_those_of_the_sample_submission(
    run: Run, folder: Path
) -> None:
    download(run)
    preprocess(run)
    predicted(run)
    zip_csv(folder / "all_zeros_benchmark.zip", TEST_IDS[1:], np.zeros((5, 37)))
    with pytest.raises(PipelineError, match="differ in 1 galaxy, .* being 200000"):
        export(run)
    assert submitted_files(run) == []
