import numpy as np

from pipeline.runs.graph import Run
from pipeline.training.batches import Batch, batch_sizes, batches
from pipeline.training.training_set import load_training_set


def batches_of(run: Run, epoch: int) -> list[Batch]:
    """Each galaxy weighs as much as its row."""
    member = run.members[0]
    data = load_training_set(run, member)
    rows = np.arange(len(data.targets), dtype=np.float32)
    return list(batches(member.config, data, rows, epoch))


def test_an_epoch_has_the_same_batches_whenever_it_is_run(ready: Run) -> None:
    for batch, again in zip(batches_of(ready, 3), batches_of(ready, 3), strict=True):
        np.testing.assert_array_equal(batch.weights, again.weights)
        for part, same in zip(batch.inputs, again.inputs, strict=True):
            np.testing.assert_array_equal(part, same)


def test_each_epoch_has_an_order_and_transforms_of_its_own(ready: Run) -> None:
    first, second = batches_of(ready, 0)[0], batches_of(ready, 1)[0]
    assert (first.weights != second.weights).any()
    assert (first.inputs[1] != second.inputs[1]).any()


def test_a_batch_is_of_galaxies_to_fit_each_with_its_own(ready: Run) -> None:
    data = load_training_set(ready, ready.members[0])
    sizes = batch_sizes(ready.settings.train, data)
    every = batches_of(ready, 0)
    assert len(every) == sizes.steps
    rows = np.concatenate([batch.weights for batch in every]).astype(int)
    assert len(set(rows)) == len(rows) == sizes.num_fitted
    assert set(rows) <= set(data.train)
    for batch in every:
        rows = batch.weights.astype(int)
        assert len(rows) == sizes.batch_size
        np.testing.assert_array_equal(batch.inputs[0], data.shards.gather(rows))
        np.testing.assert_array_equal(batch.targets, data.targets[rows])
