import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import PipelineError
from pipeline.inference.blending import Other, average_held_out, load_others
from pipeline.runs.contents import HeldOut, load_predictions
from pipeline.runs.graph import Run
from pipeline.runs.ownership import claim
from pipeline.runs.paths import SPLITS, WorkDir, held_out_file, predictions_file
from pipeline.runs.preflight import check_blended
from pipeline.runs.receipts import making
from pipeline.runs.resolve import blended_runs
from pipeline.runs.saved import save_settings
from pipeline.settings.schema import make_settings
from pipeline.stages.predict import predict
from tests.miniature import TEST_IDS, some_fractions

TARGETS = some_fractions(80, seed=9).astype(np.float32)


def held_out(start: int, stop: int, seed: int) -> HeldOut:
    """The galaxies start to stop, in falling order, predicted at random."""
    ids = np.arange(start, stop)[::-1]
    return HeldOut(ids, some_fractions(len(ids), seed), TARGETS[ids])


def averaging(root: Path, *folders: object, seed: int = 0) -> Run:
    """A run of which nothing is made, to be averaged with others."""
    values = {"predict.blend_with": ",".join(map(str, folders)), "train.seed": seed}
    settings = make_settings("demo", "tiny", values)
    return Run(settings, WorkDir(root), blended_runs(settings, WorkDir(root)))


def make_run(root: Path, ids: np.ndarray = TEST_IDS, seed: int = 0) -> Run:
    """A run whose networks, held-out galaxies and predictions are made up."""
    run = Run(make_settings("demo", "tiny"), WorkDir(root))
    claim(run)
    save_settings(run, {})
    for item in (run.raw, *map(run.shards, SPLITS), *run.members):
        with making(item):
            pass
    make_held_out(run, seed)
    with making(run.predictions) as made:
        path = predictions_file(made.folder)
        np.savez(path, ids=ids, fractions=some_fractions(len(ids), seed))
    return run


def make_held_out(run: Run, seed: int) -> None:
    with making(run.held_out) as made:
        np.savez(held_out_file(made.folder), **held_out(0, 60, seed)._asdict())


def test_others_are_matched_by_id(tmp_path: Path) -> None:
    make_run(tmp_path / "a", TEST_IDS[::-1])
    (other,) = load_others(averaging(tmp_path / "work", tmp_path / "a"), TEST_IDS)
    np.testing.assert_array_equal(other.fractions, some_fractions(6)[::-1])
    assert len(other.held_out.ids) == 60


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("none", r"There is no run in .*none. Its runs: none. Or drop it with --unset"),
        ("average", "average, which is an average with .*good already. Name runs wit"),
        ("fewer", ":.*, whose 5 test galaxies are not the 6 .* 1 are .*being 200005"),
        ("good,good/../good", "blend_with names .*/good:.* twice. Take it off"),
        ("good", "good:.*, which has the networks and views of this run. Take it off"),
        ("work", "names .*work, the work directory itself. Name one of its runs: it h"),
        ("begun", 'which has no finished .* Run "./run.sh predict --config=.*begun"'),
    ],
)
def test_what_cannot_be_averaged_is_refused_in_a_line(
    tmp_path: Path, names: str, message: str
) -> None:
    make_run(tmp_path / "good")
    average = averaging(tmp_path / "average", tmp_path / "good")
    claim(average)
    save_settings(average, {"predict.blend_with": str(tmp_path / "good")})
    make_run(tmp_path / "fewer", TEST_IDS[:5])
    shutil.rmtree(make_run(tmp_path / "begun").predictions.folder)
    others = (tmp_path / name for name in names.split(","))
    with pytest.raises(PipelineError, match=message) as refusal:
        run = averaging(tmp_path / "work", *others)
        if names == "fewer":  # is seen once they are read
            load_others(run, TEST_IDS)
        check_blended(run)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        (np.full((6, 37), np.nan), ", whose predictions are not all from 0 to 1. Take"),
        (np.full((6, 37), 1.5), ", whose predictions are not all from 0 to 1. Take it"),
        (np.zeros((6, 36)), "/predictions.npz is not what was made there. Run "),
        (np.zeros((5, 37)), "/predictions.npz is not what was made there. Run "),
        (np.full((6, 37), None), "/predictions.npz is not what was made there. Run "),
    ],
)
def test_what_somebody_else_gives_out_as_predictions_is_refused_before_work(
    tmp_path: Path, fractions: np.ndarray, message: str
) -> None:
    other = make_run(tmp_path / "received")
    with making(other.predictions) as made:
        np.savez(predictions_file(made.folder), ids=TEST_IDS, fractions=fractions)
    with pytest.raises(PipelineError) as refusal:
        check_blended(averaging(tmp_path / "work", other.work.root, seed=1))
    assert message in str(refusal.value)


def test_predictions_of_before_the_held_out_galaxies_do_not_count(
    tmp_path: Path,
) -> None:
    other = make_run(tmp_path / "a")
    make_held_out(other, seed=7)
    with pytest.raises(PipelineError, match="has no finished predictions"):
        check_blended(averaging(tmp_path / "work", other.work.root))


def test_held_out_galaxies_may_be_gone(tmp_path: Path) -> None:
    other = make_run(tmp_path / "a")
    shutil.rmtree(other.held_out.folder)
    (found,) = load_others(averaging(tmp_path / "work", other.work.root), TEST_IDS)
    assert found.held_out is None


def test_only_galaxies_held_out_everywhere_are_averaged() -> None:
    own, theirs = held_out(0, 60, seed=1), held_out(5, 80, seed=2)
    mean = average_held_out(own, [Other("a", some_fractions(6), theirs)])
    assert mean.ids.tolist() == list(range(5, 60))
    # galaxy 5 is the last but five of the first, and the last of the second
    by_hand = (own.fractions[-6] + theirs.fractions[-1]) / 2
    np.testing.assert_allclose(mean.fractions[0], by_hand)
    np.testing.assert_array_equal(mean.targets, TARGETS[5:60])


def test_too_few_in_common_are_told_and_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    theirs = Other("a", some_fractions(6), held_out(20, 80, seed=2))
    assert average_held_out(held_out(0, 60, seed=1), [theirs]) is None
    assert "40 galaxies were held out of all 2 runs, too few" in caplog.text
    unkept = theirs._replace(name="b", held_out=None)
    assert average_held_out(held_out(0, 60, seed=1), [unkept]) is None
    assert "b keeps no held-out galaxies" in caplog.text


def test_without_others_the_own_held_out_galaxies_are_all() -> None:
    own = held_out(0, 7, seed=1)
    assert average_held_out(own, []) is own


def test_the_submission_is_the_plain_mean_and_follows_the_others(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.inference.blending.LEAST_IN_COMMON", 99)
    others = [make_run(tmp_path / name, seed=seed) for seed, name in enumerate("ab")]
    names = [str(other.work.root) for other in others]
    predict_with = dataclasses.replace(
        finished.settings.predict, blend_with=",".join(names)
    )
    root = shutil.copytree(finished.work.root, tmp_path / "work")
    settings = dataclasses.replace(finished.settings, predict=predict_with)
    run = Run(settings, WorkDir(root), blended_runs(settings, WorkDir(root)))
    predict(run)
    alone = load_predictions(finished.predictions).fractions
    mean = (alone + some_fractions(6, 0) + some_fractions(6, 1)) / 3
    np.testing.assert_allclose(load_predictions(run.predictions).fractions, mean)
    assert run.held_out.state == "done"
    result = run.predictions.result
    assert result["averaged_with"] == [
        f"{other.work.root}:{other.digest}" for other in others
    ]
    assert "validation_rmse" not in result
    make_run(others[0].work.root, seed=5)
    anew = dataclasses.replace(run, blended=blended_runs(settings, run.work))
    assert anew.predictions.state == "missing"
    assert run.predictions.state == "done"
