"""Stage 3: the networks, one for each fold and seed, partners' among them."""

import logging

from pipeline import artifacts, workdir
from pipeline.artifacts import making, require
from pipeline.config import Config
from pipeline.training_set import load_training_set
from pipeline.workdir import WorkDir

log = logging.getLogger(__name__)


def train(config: Config, work: WorkDir, force: bool = False) -> None:
    """Fits a network to the volunteers' fractions, once for each fold and seed.

    Reads   shards/train/                  images
            raw/                           training_solutions_rev1
            shards/test/                   where train.resemble is set
    Writes  models/<member>/model.keras    (B, S, S, 3) uint8 -> (B, 37) float32
            models/<member>/history.csv    a row for each epoch
            models/<member>/receipt.json   the best epoch and its validation RMSE
            models/<member>/checkpoint.npz, while it lasts
    """
    members = artifacts.members(config, work)
    for number, artifact in enumerate(members):
        if artifact.state == "done" and not force:
            log.info("%s is up to date", artifact.name)
        else:
            train_member(config, work, number, force)
        workdir.checkpoint_file(artifact.folder).unlink(missing_ok=True)


def train_member(config: Config, work: WorkDir, number: int, force: bool) -> None:
    """Trains one of the members, the first having number 0."""
    member = config.members()[number]
    members = artifacts.members(config, work)
    artifact = members[number]
    title = f"{artifact.folder.name} ({number + 1}/{len(members)})"
    for part in artifact.inputs:
        require(part)
    from pipeline.backend import start_keras

    start_keras(member.train.seed)
    from pipeline.fitting import fit_network

    data = load_training_set(config, work, member.fold)
    # a forced training starts over, any other goes on where it was interrupted
    with making(artifact, keep=not force) as result:
        result |= fit_network(
            member.train, data, artifact.folder, artifact.recipe, title
        )
    log.info(
        "%s: validation RMSE %.4f ± %.4f on %d galaxies held out",
        title,
        result["validation_rmse"],
        result["validation_standard_error"],
        result["num_validation"],
    )
