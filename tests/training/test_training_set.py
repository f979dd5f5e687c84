import pytest

from pipeline.errors import PipelineError
from pipeline.runs.contents import load_ids
from pipeline.runs.graph import Run
from pipeline.runs.receipts import save_receipt
from pipeline.training.training_set import load_training_set
from tests.miniature import with_train


def test_galaxies_are_not_reweighted_to_an_image_that_cannot_be_read(
    ready: Run,
) -> None:
    shards = ready.shards("test")
    unread = load_ids(shards)[2]
    receipt = shards.receipt
    receipt["result"]["bad"] = {str(unread): "not a jpg"}
    save_receipt(shards.folder, receipt)
    run = with_train(ready, reweight=True)
    data = load_training_set(run, run.members[0])
    assert data.test.rows.tolist() == [0, 1, 3, 4, 5]


def test_one_galaxy_is_too_few_to_learn_from(ready: Run) -> None:
    run = with_train(ready, validation_fraction=0.97)  # all but one
    with pytest.raises(PipelineError) as refusal:
        load_training_set(run, run.members[0])
    assert str(refusal.value) == (
        "24 training galaxies are too few to hold out a share of 0.97 for validation. "
        "Lower train.validation_fraction."
    )
