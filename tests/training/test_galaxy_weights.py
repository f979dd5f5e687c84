import numpy as np
import pytest

from pipeline.models.network import build_network
from pipeline.runs.graph import Run
from pipeline.training import galaxy_weights
from pipeline.training.training_set import load_training_set
from tests.miniature import with_train


@pytest.mark.parametrize(
    ("most", "train", "test"), [(24, 24, 6), (23, 12, 6), (2, 2, 2)]
)
def test_the_network_is_asked_about_all_galaxies_or_every_kth(
    ready: Run, monkeypatch: pytest.MonkeyPatch, most: int, train: int, test: int
) -> None:
    run = with_train(ready, reweight=True)
    data = load_training_set(run, run.members[0])
    network = build_network(run.members[0].config, data.shards.image_size, data.means)
    asked = {}
    find = galaxy_weights.fit_weighting

    def listen(labelled: np.ndarray, targets: np.ndarray, test: np.ndarray) -> object:
        asked.update(labelled=labelled, targets=targets, test=test)
        return find(labelled, targets, test)

    monkeypatch.setattr(galaxy_weights, "fit_weighting", listen)
    monkeypatch.setattr(galaxy_weights, "MOST_ASKED", most)
    weights = galaxy_weights.reweight(network, data)
    assert len(weights) == 24
    assert {name: len(rows) for name, rows in asked.items()} == {
        "labelled": train,
        "targets": train,
        "test": test,
    }
