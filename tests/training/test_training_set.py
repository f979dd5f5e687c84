from pipeline.files import read_json, write_json
from pipeline.runs.contents import load_ids
from pipeline.runs.graph import Run
from pipeline.runs.paths import receipt_file
from pipeline.training.training_set import load_training_set
from tests.miniature import with_train


def test_galaxies_are_not_reweighted_to_an_image_that_cannot_be_read(
    ready: Run,
) -> None:
    shards = ready.shards("test")
    unread = load_ids(shards)[2]
    receipt = receipt_file(shards.folder)
    content = read_json(receipt)
    content["result"]["bad"] = {str(unread): "not a jpg"}
    write_json(receipt, content)
    run = with_train(ready, reweight=True)
    data = load_training_set(run, run.members[0])
    assert data.test.rows.tolist() == [0, 1, 3, 4, 5]
