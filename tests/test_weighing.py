import logging

import numpy as np
import pytest

from pipeline import artifacts, weighing, workdir
from pipeline.train import train
from tests.finished_run import Run
from tests.test_train import with_knobs


def load(run: Run) -> dict[str, np.ndarray]:
    with np.load(workdir.weights_file(run.work.weights)) as file:
        return dict(file)


@pytest.fixture
def weighed(ready: Run) -> Run:
    knobs = {"resemble": True, "resemble_after": 0.0, "seeds": 2, "epochs": 1}
    config = with_knobs(ready.config, **knobs)
    run = Run(config, ready.work)
    train(*run)
    return run


@pytest.mark.usefixtures("eager")
def test_every_training_galaxy_has_a_weight(weighed: Run) -> None:
    found = load(weighed)
    shards = artifacts.shards(weighed.config, weighed.work, "train")
    np.testing.assert_array_equal(
        found["ids"], np.load(workdir.ids_file(shards.folder))
    )
    assert found["weights"].min() > 0
    assert found["weights"].mean() == pytest.approx(1)


@pytest.mark.usefixtures("eager")
def test_only_networks_after_the_first_are_trained_by_the_weights(weighed: Run) -> None:
    config, work = weighed
    before = [member.receipt for member in artifacts.members(config, work)]
    plain = with_knobs(config, resemble=False)
    assert [member.state for member in artifacts.members(plain, work)] == [
        "done",
        "stale",
    ]
    train(plain, work)
    first, second = (member.receipt for member in artifacts.members(plain, work))
    assert first == before[0]
    assert second["result"]["weights"] != before[1]["result"]["weights"]


@pytest.mark.usefixtures("eager")
def test_a_second_run_weighs_nothing_anew(
    weighed: Run, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pipeline")
    before = weighed.work.weights.stat().st_mtime_ns
    train(*weighed)
    assert weighed.work.weights.stat().st_mtime_ns == before
    assert "weights:" not in caplog.text


@pytest.mark.usefixtures("eager")
def test_another_first_network_makes_weights_and_followers_stale(weighed: Run) -> None:
    config, work = weighed
    other = with_knobs(config, learning_rate=0.01)
    assert artifacts.weights(other, work).state == "stale"
    assert artifacts.members(other, work)[1].state == "stale"
    names = [item.name for item in artifacts.all_artifacts(other, work)]
    assert names.index("models/seed0") < names.index("weights")
    assert names.index("weights") < names.index("models/seed1")


@pytest.mark.usefixtures("eager")
def test_the_first_network_is_asked_about_every_galaxy(
    weighed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ask = {}, weighing.ask

    def listen(first: object, split: artifacts.Artifact, rows: np.ndarray) -> object:
        asked[split.name] = len(rows)
        return ask(first, split, rows)

    monkeypatch.setattr(weighing, "ask", listen)
    weighing.weigh_galaxies(*weighed, force=True)
    assert asked == {"shards/train": 24, "shards/test": 6}
