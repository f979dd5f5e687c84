"""Stage 3: the networks, one for each seed and fold."""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.bars import progress
from pipeline.errors import Misuse
from pipeline.output import counted
from pipeline.parallel import run_side_by_side
from pipeline.runs.graph import Member, Run
from pipeline.runs.paths import checkpoint_file, history_file
from pipeline.runs.receipts import Making, is_up_to_date, making, require
from pipeline.settings.team import team
from pipeline.training.history import read_history
from pipeline.training.plan import affordable, make_plan

log = logging.getLogger(__name__)


def train(run: Run, force: bool = False, only: int | None = None) -> None:
    """Fits a network to the volunteers' fractions, once for each seed and fold.

    Reads   shards/train/                  images
            raw/                           training_solutions_rev1
            shards/test/                   where train.reweight or minutes is set
    Writes  plan-<digest>/receipt.json     what the minutes are used for, if any
            models/<network>/model.keras   (B, S, S, 3) uint8 -> (B, 37) float32
            models/<network>/history.csv   a record of each epoch
            models/<network>/receipt.json  the epoch that counts, its RMSE
            models/<network>.partial/checkpoint.npz, while it lasts

    Args:
        run: whose networks.
        force: train them anew, though they are up to date.
        only: train just this one, counted from 1.

    Raises:
        Misuse: there is none of that number.
    """
    if run.plan and only is not None:
        require(run.plan)
    elif run.plan and not is_up_to_date(run.plan, False):
        make_plan(run)
    run = run.planned
    if only is not None and not 1 <= only <= len(run.members):
        raise Misuse(f"--member is from 1 to {len(run.members)} here. Got {only}.")
    chosen = range(len(run.members)) if only is None else [only - 1]
    missing = [
        number for number in chosen if not is_up_to_date(run.members[number], force)
    ]
    if run.settings.train.threads:
        train_side_by_side(run, missing, force)
    else:
        for number in missing:
            train_member(run, number, force)
    for number in chosen if keeps() else ():
        checkpoint_file(run.members[number].folder).unlink(missing_ok=True)


def train_side_by_side(run: Run, numbers: Sequence[int], force: bool) -> None:
    """Trains networks in processes of their own, each on as many cores as are set."""
    if not numbers:
        return
    members = [run.members[number] for number in numbers]
    total = sum(member.config.epochs for member in members)
    with progress(total, f"train {counted(len(members), 'network')}", "epoch") as bar:
        run_side_by_side(
            train_member,
            [(run, number, force) for number in numbers],
            run.settings.train.threads,
            lambda: bar.update(sum(map(epochs_done, members)) - bar.n),
        )


def epochs_done(member: Member) -> int:
    folder = member.folder if member.is_done else member.partial
    return len(read_history(history_file(folder)))


def train_member(run: Run, number: int, force: bool) -> None:
    """Trains one of the run's networks, counted from 0."""
    member = run.members[number]
    title = f"{member.title} ({number + 1}/{len(run.members)})"
    for part in (run.raw, *member.inputs):
        require(part)
    from pipeline.settings.backend import start_keras

    if own := team():
        log.info("waiting for all of %s", ", ".join(own.addresses))
    start_keras(member.config.seed, member.config.deterministic, together=True)
    from pipeline.training.fit import fit_network
    from pipeline.training.training_set import load_training_set

    data = load_training_set(run, member)
    # a forced training starts over, any other resumes where it was interrupted
    with making_or_helping(member, keep=not force) as made:
        made.result["start_weights"] = member.config.weights
        made.result |= fit_network(
            member.config,
            data,
            made.folder,
            checkpoint_file(made.folder if force else member.partial),
            member.recipe,
            title,
            affordable(run, number),
        )
    result = made.result
    log.info(
        "%s: epoch RMSE %.4f ± %.4f on %d validation galaxies, after %d of %d epochs",
        title,
        result["epoch_rmse"],
        result["epoch_standard_error"],
        result["num_validation"],
        result["kept_epoch"],
        result["epochs"],
    )


def keeps() -> bool:
    """Whether this machine keeps what is made: one alone, or the first of a team."""
    own = team()
    return own is None or own.is_first


@contextmanager
def making_or_helping(member: Member, keep: bool) -> Iterator[Making]:
    """Where a network comes to be; of one that another machine keeps, nothing stays."""
    if keeps():
        with making(member, keep) as made:
            yield made
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Making(Path(folder), {})
