import dataclasses

import numpy as np
import pytest
from tqdm import tqdm

from pipeline.data.metrics import Score
from pipeline.runs.graph import Run
from pipeline.settings.backend import start_keras
from pipeline.training.fit import Training
from pipeline.training.training_set import load_training_set
from pipeline.training.weights import weights_digest
from tests.miniature import with_train


def training_of(run: Run) -> Training:
    """The first member's, before its first epoch."""
    member = run.members[0]
    return Training(member.config, load_training_set(run, member))


@pytest.mark.usefixtures("eager")
def test_a_galaxy_of_no_weight_is_not_learned_from(ready: Run) -> None:
    data = load_training_set(ready, ready.members[0])
    idle = data.train[::2]
    mixed = data.targets.copy()
    mixed[idle] = mixed[idle[::-1]]  # so that the means stay
    every = np.ones(len(data.targets), np.float32)
    some = np.where(np.isin(np.arange(len(every)), idle), 0, every)

    def fitted(targets: np.ndarray, weights: np.ndarray) -> str:
        start_keras()
        changed = dataclasses.replace(data, targets=targets)
        training = Training(ready.members[0].config, changed)
        training.state.weights = weights
        training.fit_batches(tqdm(disable=True))
        return weights_digest(training.network)

    assert fitted(data.targets, some) == fitted(mixed, some)
    assert fitted(data.targets, every) != fitted(mixed, every)


@pytest.mark.parametrize(("keep", "epoch"), [("best", 1), ("last", 3)])
def test_the_network_kept_is_of_the_best_epoch_or_of_the_last(
    ready: Run, keep: str, epoch: int
) -> None:
    training = training_of(with_train(ready, epochs=3, keep=keep))
    scored: list[str] = []

    def ever_worse() -> Score:
        scored.append(weights_digest(training.network))
        return Score(0.01 * len(scored), 0.001)

    training.score = ever_worse
    for _ in range(3):
        training.run_epoch(tqdm(disable=True))
    assert len({*scored}) == 3
    found = training.result()
    assert found["kept_epoch"] == epoch
    assert found["weights"] == scored[epoch - 1]


def test_galaxies_count_alike_until_the_share_of_epochs_is_over(ready: Run) -> None:
    run = with_train(ready, epochs=4, reweight=True, reweight_from=0.5)
    training = training_of(run)
    for epoch in range(4):
        training.run_epoch(tqdm(disable=True))
        weights = training.state.weights
        assert weights.shape == training.data.targets.shape[:1]
        assert (weights == 1).all() == (epoch < 2)
        assert weights[training.data.train].mean() == pytest.approx(1)
    history = training.state.history
    assert [record["reweighted"] for record in history] == [0, 0, 1, 1]
    chosen = min(history[2:], key=lambda record: record["epoch_rmse"])
    found = training.result()
    assert found["kept_epoch"] == chosen["epoch"]
    assert found["epoch_rmse"] == pytest.approx(chosen["epoch_rmse"])


def test_the_held_out_galaxies_are_reweighted_too(ready: Run) -> None:
    training = training_of(ready)
    data = training.data
    one = data.validation[0]
    training.data = dataclasses.replace(data, validation=data.validation[:1])
    expected = training.score()
    training.data = data
    training.state.weights = np.where(np.arange(len(data.targets)) == one, 1.0, 0.0)
    assert training.score().rmse == pytest.approx(expected.rmse, rel=1e-6)
