"""A run: its settings, its work directory, and what each artifact is made from.

    raw -> shards/train -> models/<member> -> held out -> predictions -> submission
       \\-> shards/test ------------------------------------^

    shards/test -> models/<member>, where training galaxies are reweighted to it
    held out -> classify; held out, predictions, classify -> report

An artifact is done when its receipt holds the recipe that the settings and the inputs
ask for; so a changed setting or a changed input makes stale all that follows from it.
"""

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.files import file_digest
from pipeline.runs.paths import SPLITS, Split, SubmissionsDir, WorkDir, submissions_dir
from pipeline.runs.receipts import Artifact, State
from pipeline.settings.schema import Settings, TrainConfig
from pipeline.sources.folder import fingerprint


@dataclass(frozen=True, kw_only=True)
class Member(Artifact):
    """One trained network of those that are averaged.

    Attributes:
        fold: the part that is held out of its training.
        config: its settings, with its own seed.
    """

    fold: int
    config: TrainConfig


@dataclass(frozen=True)
class Foreign(Artifact):
    """Another work directory's artifact, taken as it is: its recipe is not ours."""

    @property
    def state(self) -> State:
        return "missing" if self.receipt is None else "done"


@dataclass(frozen=True)
class Run:
    """The settings, the work directory, and every artifact of both."""

    settings: Settings
    work: WorkDir

    @property
    def submissions(self) -> SubmissionsDir:
        return submissions_dir(self.settings.export.folder)

    @cached_property
    def raw(self) -> Artifact:
        """The competition's files, or where they are."""
        source = self.settings.source
        settings: dict[str, Any] = {"source": source}
        if source == "demo":
            settings |= asdict(self.settings.demo)
        elif source != "kaggle":
            settings["fingerprint"] = fingerprint(Path(source))
        return Artifact("raw", self.work.raw, "download", settings)

    @cached_property
    def split_shards(self) -> dict[Split, Artifact]:
        """The cropped and shrunk images of the training and of the test set."""
        settings = asdict(self.settings.preprocess)
        return {
            split: Artifact(
                f"shards/{split}",
                self.work.shards(split),
                "preprocess",
                settings,
                (self.raw,),
            )
            for split in SPLITS
        }

    def shards(self, split: Split) -> Artifact:
        return self.split_shards[split]

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """One trained network for each seed and fold, in the order of training."""
        train = self.settings.train
        inputs: tuple[Artifact, ...] = (self.shards("train"),)
        if train.resemble:
            inputs += (self.shards("test"),)
        return tuple(
            self.member(replace(train, seed=seed), fold, inputs)
            for seed in range(train.seed, train.seed + train.seeds)
            for fold in range(train.folds)
        )

    def member(
        self, train: TrainConfig, fold: int, inputs: tuple[Artifact, ...]
    ) -> Member:
        folder = self.work.member(train.seed, fold if train.folds > 1 else None)
        settings = member_settings(train, fold) | self.start_weights
        name = f"models/{folder.name}"
        return Member(name, folder, "train", settings, inputs, fold=fold, config=train)

    @cached_property
    def start_weights(self) -> dict[str, str | None]:
        """The digest of the file that backbones start from, wherever it is."""
        file = self.settings.train.weights_file
        if file is None:
            return {}
        return {"weights": file_digest(file) if file.is_file() else None}

    @cached_property
    def held_out(self) -> Artifact:
        """What the networks say of the held-out galaxies."""
        settings = asdict(self.settings.predict)
        del settings["also"]  # other runs' networks held out other galaxies
        return Artifact(
            "held out", self.work.held_out, "predict", settings, self.members
        )

    @cached_property
    def predictions(self) -> Artifact:
        """The test set's 37 numbers, and what score to expect of them."""
        # the networks come in by way of the held-out galaxies, predicted by each
        inputs = self.shards("test"), self.held_out, *self.blended
        settings = asdict(self.settings.predict)
        return Artifact(
            "predictions", self.work.predictions, "predict", settings, inputs
        )

    @cached_property
    def blended(self) -> tuple[Foreign, ...]:
        """The predictions of other work directories that are averaged with these."""
        names = filter(None, map(str.strip, self.settings.predict.also.split(",")))
        return tuple(
            Foreign(name, WorkDir(Path(name).resolve()).predictions, "predict", {})
            for name in names
        )

    @cached_property
    def submission(self) -> Artifact:
        """The CSV, and what went into it."""
        settings = asdict(self.settings.export)
        settings |= {
            "folder": str(self.submissions.root),
            "preset": self.settings.preset,
        }
        return Artifact(
            "submission", self.work.submission, "export", settings, (self.predictions,)
        )

    @cached_property
    def classification(self) -> Artifact:
        """The simplified problem: three classes, several methods."""
        settings = asdict(self.settings.classify)
        return Artifact(
            "classify", self.work.classification, "classify", settings, (self.held_out,)
        )

    @cached_property
    def report(self) -> Artifact:
        """The page of pictures and plots."""
        # the table of classify joins the page once it is there
        inputs = self.held_out, self.predictions, self.classification
        settings = asdict(self.settings.report)
        return Artifact("report", self.work.report, "report", settings, inputs)

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """All of them, in the order of making; those beside the stages once wanted."""
        made = {
            item.name
            for item in (self.classification, self.report)
            if item.receipt is not None
        }
        if self.settings.report.make:
            made.add("report")
        return (
            self.raw,
            *(self.shards(split) for split in SPLITS),
            *self.members,
            self.held_out,
            self.predictions,
            self.submission,
            *(i for i in (self.classification, self.report) if i.name in made),
        )


def member_settings(train: TrainConfig, fold: int) -> dict[str, Any]:
    """What a network depends on, whatever other networks there are."""
    settings = asdict(train) | {"fold": fold}
    del settings["seeds"]  # one more must not make the others stale
    del settings["resemble"]  # then the test set is an input
    if not train.resemble:
        del settings["resemble_after"]
    if train.folds > 1:
        del settings["validation_fraction"]
    return settings
