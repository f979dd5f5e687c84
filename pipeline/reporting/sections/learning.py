"""How the training went."""

from typing import Any

from pipeline.reporting.plot_files import Numbers, PlotFiles
from pipeline.reporting.plots import training
from pipeline.reporting.words import augmentation, listed
from pipeline.runs.graph import Run
from pipeline.runs.paths import history_file
from pipeline.runs.receipts import untouched
from pipeline.settings.networks import TrainConfig
from pipeline.training.history import History, kept_record, read_history

SCHEDULES = {
    "cosine": "falls along a cosine",
    "steps": "falls to a tenth after 72 % and after 92 % of the steps",
    "constant": "stays the same",
}


def learning(run: Run, plots: PlotFiles) -> dict[str, Any]:
    """RMSE, loss and learning rate after each epoch, and the epoch that counts."""
    train = run.settings.train
    histories = {
        member.name.removeprefix("models/"): read_history(
            untouched(member, history_file(member.folder))
        )
        for member in run.members
    }
    kept = {
        name: kept_record(history, train.keep) for name, history in histories.items()
    }
    return {
        "rows": [
            {"name": name, "epochs": len(histories[name]), **record}
            for name, record in kept.items()
        ],
        "note": what_is_drawn(train),
        "rate_caption": f"The learning rate {SCHEDULES[train.schedule]}"
        + (", after it has risen." if train.warmup else "."),
        **draw(plots, histories, kept, train),
    }


def draw(
    plots: PlotFiles,
    histories: dict[str, History],
    kept: dict[str, dict[str, Any]],
    train: TrainConfig,
) -> dict[str, Any]:
    told = "; ".join(
        f"{name}: epoch RMSE {record['epoch_rmse']:.4f} in epoch "
        f"{record['epoch']:.0f} of {len(histories[name])}"
        for name, record in kept.items()
    )
    ends = [history[-1] for history in histories.values()]
    return {
        "rmse": plots.keep(
            "learning",
            training.learning_curves(histories),
            f"Learning curves. {told}.",
            numbers(histories, "train_rmse", "epoch_rmse", "reweighted"),
        ),
        "loss": plots.keep(
            "loss",
            training.loss_curves(histories, train.loss),
            f"Training loss. In the end {ends[-1]['loss']:.4f}.",
            numbers(histories, "loss"),
        ),
        "rate": plots.keep(
            "learning_rate",
            training.rate_curves(histories),
            f"Learning rate. In the end {ends[-1]['learning_rate']:.2g}.",
            numbers(histories, "learning_rate"),
        ),
    }


def numbers(histories: dict[str, History], *columns: str) -> Numbers:
    """These columns of all histories, below one another."""
    records = [
        {"network": name, **record}
        for name, history in histories.items()
        for record in history
    ]
    names = ("network", "epoch", *columns)
    return {name: [record[name] for record in records] for name in names}


def what_is_drawn(train: TrainConfig) -> str:
    """What the curves of RMSE are of, by how it was trained."""
    harder = [
        *(["augmented"] if augmentation(train) else []),
        *([f"with dropout {train.dropout:g}"] if train.dropout else []),
    ]
    told = "Training: galaxies as they are fitted"
    if harder:
        told += f", {listed(harder)}, so that its RMSE need not be the lower one"
    told += ". Validation: the epoch RMSE, one view of each validation galaxy"
    if train.ema_epochs:
        told += ", by averaged weights"
    if train.reweight:
        told += (
            ". Once galaxies are reweighted to the test set, the validation galaxies "
            "are too, and their RMSE goes on at another height"
        )
    return f"{told}."
