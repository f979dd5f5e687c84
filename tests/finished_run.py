"""A run whose five stages are done, made once: its network has learned nothing."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline.files import atomic, file_digest
from pipeline.runs.graph import Member, Run
from pipeline.runs.ownership import claim
from pipeline.runs.paths import WorkDir, history_file, network_file
from pipeline.runs.receipts import Artifact, making, save_receipt

BAD = 200_002  # a test galaxy whose jpg is empty
QUICK = {
    "report.num_galaxies": 1,
    "classify.num_images": 0,
    "classify.max_iterations": 3,
    "classify.epochs": 1,
}


def words_of(run: Run) -> list[str]:
    """What makes the command line mean this run."""
    from tests.miniature import SMALL

    settings = SMALL | QUICK | {"export.folder": run.settings.export.folder}
    sets = [f"--set={key}={value}" for key, value in settings.items()]
    source = f"--source={run.settings.source}"
    return [f"--work={run.work.root}", source, "--preset=tiny", *sets]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    from pipeline.stages.export import export
    from tests.miniature import make_competition, small_settings, spoil

    place = tmp_path_factory.mktemp("finished")
    folder = make_competition(place / "competition")
    spoil(folder / "images_test_rev1.zip", {f"images_test_rev1/{BAD}.jpg": b""})
    settings = small_settings(folder, place / "submissions", QUICK)
    run = Run(settings, WorkDir(place / "work"))
    predict_untrained(run)
    export(run)
    return run


def predict_untrained(run: Run) -> None:
    """Makes all up to the predictions, with networks that nobody trained."""
    from pipeline.stages.download import download
    from pipeline.stages.predict import predict
    from pipeline.stages.preprocess import preprocess

    claim(run)
    download(run)
    preprocess(run)
    for member in run.members:
        make_member(run, member)
    predict(run)


def note_anew(item: Artifact, file: Path) -> None:
    """Lets the receipt of a finished artifact say what is in one of its files now."""
    receipt = item.receipt
    note = {"size": file.stat().st_size, "sha256": file_digest(file)}
    receipt["files"][file.name] = note
    save_receipt(item.folder, receipt)


def make_member(run: Run, member: Member) -> None:
    """A network as built, with a history that somebody made up."""
    from pipeline.settings.backend import start_keras

    start_keras()
    from pipeline.models.network import build_network
    from pipeline.training.history import write_history
    from tests.miniature import some_fractions

    means = some_fractions(50, seed=3).mean(axis=0)
    with making(member) as made:
        image_size = run.settings.preprocess.image_size
        network = build_network(member.config, image_size, means)
        with atomic(network_file(made.folder)) as partial:
            network.save(partial)
        records = [
            {
                "epoch": epoch,
                "loss": 0.1 / epoch,
                "learning_rate": 0.001,
                "seconds": 1.0,
                "train_rmse": 0.2 / epoch,
                "epoch_rmse": 0.3 / epoch,
                "reweighted": 0,
            }
            for epoch in (1, 2)
        ]
        write_history(history_file(made.folder), records)
        made.result |= {
            "epoch_rmse": 0.15,
            "means": np.asarray(means).tolist(),
            "num_train": 20,
            "parameters": network.count_params(),
        }


@pytest.fixture
def folded(finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Three folds and two seeds: members 0, 1, 2 with the first seed, then 3, 4, 5.

    What they predict is by `by_number`, and not made to obey the tree.
    """
    for user in ("inference.held_out", "inference.ensemble", "stages.predict"):
        monkeypatch.setattr(f"pipeline.{user}.predict_members", by_number)
    settings = dataclasses.replace(
        finished.settings,
        train=dataclasses.replace(finished.settings.train, num_folds=3, num_seeds=2),
        predict=dataclasses.replace(finished.settings.predict, obey_tree=False),
    )
    root = shutil.copytree(finished.work.root, tmp_path / "work")
    run = Run(settings, WorkDir(root))
    for member in run.members:
        with making(member) as made:
            made.result["means"] = [0.7] * 37
    return run


def by_number(
    _: object,
    __: object,
    members: Sequence[Member],
    rows: Sequence[np.ndarray],
    *more: object,
) -> list[np.ndarray]:
    """Each member answers everything with a tenth of its number."""
    return [
        np.full((len(own), 37), (member.fold + 3 * member.config.seed) / 10)
        for member, own in zip(members, rows, strict=True)
    ]
