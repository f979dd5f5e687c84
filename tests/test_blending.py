import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline import artifacts, blending, workdir
from pipeline.artifacts import Artifact, making
from pipeline.blending import Other, average_validation, load_others
from pipeline.config import Config, make_config
from pipeline.errors import PipelineError
from pipeline.predict import predict
from pipeline.validation import Validation
from pipeline.workdir import WorkDir
from tests.conftest import TEST_IDS, some_fractions
from tests.finished_run import Run

TARGETS = some_fractions(80, seed=9).astype(np.float32)


def held_out(start: int, stop: int, seed: int) -> Validation:
    """The galaxies start to stop, in falling order, predicted at random."""
    ids = np.arange(start, stop)[::-1]
    return Validation(ids, some_fractions(len(ids), seed), TARGETS[ids])


def make_run(
    root: Path, ids: np.ndarray = TEST_IDS, seed: int = 0, also: str = ""
) -> WorkDir:
    """A work directory with finished validation and predictions, and nothing else."""
    work = WorkDir(root)
    validation = Artifact("validation", work.validation, "predict", {})
    with making(validation) as result:
        path = workdir.validation_file(work.validation)
        np.savez(path, **held_out(0, 60, seed)._asdict())
        result["seed"] = seed
    knobs = {"also": also}
    predictions = Artifact(
        "predictions", work.predictions, "predict", knobs, (validation,)
    )
    with making(predictions) as result:
        path = workdir.predictions_file(work.predictions)
        np.savez(path, ids=ids, fractions=some_fractions(len(ids), seed))
        result["seed"] = seed
    return work


def averaging(*folders: object) -> Config:
    also = ", ".join(map(str, folders))
    return make_config("demo", "tiny", {"predict.also": also})


def test_others_are_matched_by_id(tmp_path: Path, work: WorkDir) -> None:
    make_run(tmp_path / "a", TEST_IDS[::-1])
    (other,) = load_others(averaging(tmp_path / "a"), work, TEST_IDS)
    np.testing.assert_array_equal(other.fractions, some_fractions(6)[::-1])
    assert len(other.validation.ids) == 60


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            "none",
            r'none, which has no finished .* Run "./run.sh predict --work .*none"',
        ),
        ("average", "average, which is an average with x,y already. Name work dir"),
        ("fewer", "fewer, whose 5 test galaxies are not the 6 .* 1 are .*being 200005"),
        ("good,good/../good", "each once. .*good is named twice, or is this one"),
        ("work", "each once. .*work is named twice, or is this one"),
    ],
)
def test_what_cannot_be_averaged_is_refused_in_a_line(
    tmp_path: Path, work: WorkDir, names: str, message: str
) -> None:
    make_run(tmp_path / "good")
    make_run(tmp_path / "average", also="x,y")
    make_run(tmp_path / "fewer", TEST_IDS[:5])
    config = averaging(*(tmp_path / name for name in names.split(",")))
    with pytest.raises(PipelineError, match=message) as refusal:
        load_others(config, work, TEST_IDS)
    assert "\n" not in str(refusal.value)


def test_a_validation_made_since_does_not_count(tmp_path: Path, work: WorkDir) -> None:
    other = make_run(tmp_path / "a")
    with making(Artifact("validation", other.validation, "predict", {})) as result:
        result["seed"] = "another"
    (found,) = load_others(averaging(other.root), work, TEST_IDS)
    assert found.validation is None


def test_only_galaxies_held_out_everywhere_are_averaged() -> None:
    own, theirs = held_out(0, 60, seed=1), held_out(5, 80, seed=2)
    mean = average_validation(own, [Other("a", some_fractions(6), theirs)])
    assert mean.ids.tolist() == list(range(5, 60))
    # galaxy 5 is the last but five of the first, and the last of the second
    by_hand = (own.fractions[-6] + theirs.fractions[-1]) / 2
    np.testing.assert_allclose(mean.fractions[0], by_hand)
    np.testing.assert_array_equal(mean.targets, TARGETS[5:60])


def test_too_few_in_common_are_told_and_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    theirs = Other("a", some_fractions(6), held_out(20, 80, seed=2))
    assert average_validation(held_out(0, 60, seed=1), [theirs]) is None
    assert "40 galaxies were held out of all 2 runs, too few" in caplog.text
    unkept = theirs._replace(folder="b", validation=None)
    assert average_validation(held_out(0, 60, seed=1), [unkept]) is None
    assert "b keeps no validation" in caplog.text


def test_without_others_the_own_validation_is_all_of_it() -> None:
    own = held_out(0, 7, seed=1)
    assert average_validation(own, []) is own


def test_the_submission_is_the_plain_mean_and_follows_the_others(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blending, "LEAST_IN_COMMON", 99)
    root = shutil.copytree(finished.work.root, tmp_path / "work")
    with np.load(workdir.predictions_file(finished.work.predictions)) as file:
        alone = file["fractions"]
    others = [make_run(tmp_path / name, seed=seed) for seed, name in enumerate("ab")]
    names = ",".join(str(other.root) for other in others)
    knobs = dataclasses.replace(finished.config.predict, also=names)
    config, work = dataclasses.replace(finished.config, predict=knobs), WorkDir(root)
    predict(config, work)
    with np.load(workdir.predictions_file(work.predictions)) as file:
        mean = (alone + some_fractions(6, 0) + some_fractions(6, 1)) / 3
        np.testing.assert_allclose(file["fractions"], mean)
    assert artifacts.validation(config, work).state == "done"
    result = artifacts.predictions(config, work).result
    assert result["averaged_with"] == [str(other.root) for other in others]
    assert "validation_rmse" not in result
    make_run(others[0].root, seed=5)
    assert artifacts.predictions(config, work).state == "stale"
