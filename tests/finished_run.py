"""A run whose five stages are done, made once: its network has learnt nothing."""

from typing import NamedTuple

import numpy as np
import pytest

from pipeline import artifacts, workdir
from pipeline.artifacts import making
from pipeline.config import Config
from pipeline.workdir import WorkDir

BAD = 200_002  # a test galaxy whose jpg is empty
QUICK = {
    "report.num_galaxies": 1,
    "classify.num_images": 0,
    "classify.max_iterations": 3,
    "classify.epochs": 1,
}


class Run(NamedTuple):
    """A finished work directory and its settings."""

    config: Config
    work: WorkDir

    def words(self) -> list[str]:
        """What makes the command line mean this run."""
        from tests.conftest import SMALL

        settings = SMALL | QUICK | {"export.folder": self.config.export.folder}
        sets = [f"--set={key}={value}" for key, value in settings.items()]
        source = f"--source={self.config.source}"
        return [f"--work={self.work.root}", source, "--preset=tiny", *sets]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    from pipeline.download import download
    from pipeline.export import export
    from pipeline.predict import predict
    from pipeline.preprocess import preprocess
    from tests.conftest import make_competition, small_config
    from tests.test_preprocess import spoil

    place = tmp_path_factory.mktemp("finished")
    folder = make_competition(place / "competition")
    spoil(folder / "images_test_rev1.zip", {f"images_test_rev1/{BAD}.jpg": b""})
    config = small_config(folder, place / "submissions", QUICK)
    run = Run(config, WorkDir(place / "work"))
    download(*run)
    preprocess(*run)
    for member in artifacts.members(*run):
        make_member(run.config, member)
    predict(*run)
    export(*run)
    return run


def make_member(config: Config, member: artifacts.Artifact) -> None:
    """A network as built, with a history that somebody made up."""
    from pipeline.backend import start_keras

    start_keras()
    from pipeline.history import write_history
    from pipeline.models import build_network
    from tests.conftest import some_fractions

    means = some_fractions(50, seed=3).mean(axis=0)
    with making(member) as result:
        network = build_network(config.train, config.preprocess.image_size, means)
        with workdir.atomic(workdir.network_file(member.folder)) as partial:
            network.save(partial)
        rows = [
            {"epoch": epoch, "train_rmse": 0.2 / epoch, "validation_rmse": 0.3 / epoch}
            for epoch in (1, 2)
        ]
        write_history(workdir.history_file(member.folder), rows)
        result |= {
            "validation_rmse": 0.15,
            "means": np.asarray(means).tolist(),
        }
