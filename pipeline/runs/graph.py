"""A run: its settings, its work directory, and what each artifact is made from.

    raw -> shards/train -> models/<network> -> held_out -> predictions -> submission
       \\-> shards/test ------------------------------------^

    shards/test -> models/<network>, where training galaxies are reweighted to it
    held_out -> classify; held_out, predictions, classify -> report

Each artifact's folder carries a digest of its recipe, so another setting or another
input makes another folder, and going back to a setting finds what it made.
"""

import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.files import file_digest
from pipeline.machine import num_at_once
from pipeline.runs.origin import Demo, InPlace, origin_of
from pipeline.runs.paths import (
    PLAN,
    SPLITS,
    Split,
    SubmissionsDir,
    WorkDir,
    submissions_dir,
)
from pipeline.runs.receipts import Artifact, read_receipt
from pipeline.settings.backend import backend_name
from pipeline.settings.epochs import part_of
from pipeline.settings.networks import TrainConfig
from pipeline.settings.planning import rounds
from pipeline.settings.schema import VIEW_COUNTS, Settings, recipe_settings, with_plan


@dataclass(frozen=True, kw_only=True)
class Member(Artifact):
    """One trained network of those that are averaged.

    Attributes:
        title: its name in the log.
        section: where its own settings are, train or partner.
        fold: the part that is held out of its training.
        config: its settings, with its own seed.
    """

    title: str
    section: str
    fold: int
    config: TrainConfig


@dataclass(frozen=True)
class Run:
    """The settings, the work directory, and every artifact of both.

    Attributes:
        settings: what is asked for.
        work: where it is made.
        blended: finished runs whose predictions are averaged with this one's.
        asked: the settings before the plan, where there is one.
        earlier: seconds that earlier processes have spent on it.
        started: when this one began to, as `time.monotonic` counts.
    """

    settings: Settings
    work: WorkDir
    blended: tuple["Run", ...] = ()
    asked: Settings | None = None
    earlier: float = field(default=0.0, compare=False)
    started: float = field(default_factory=time.monotonic, compare=False)

    @property
    def submissions(self) -> SubmissionsDir:
        return submissions_dir(self.settings.export.folder)

    @cached_property
    def raw(self) -> Demo | InPlace:
        """The competition files, or where they are."""
        return origin_of(self.settings, self.work)

    @cached_property
    def split_shards(self) -> dict[Split, Artifact]:
        """The cropped and shrunk images of the training and of the test set."""
        settings = recipe_settings(self.settings.preprocess)
        del settings["max_bad_share"]  # is checked on use
        return {
            split: Artifact(
                f"shards/{split}",
                self.work.root,
                "preprocess",
                settings,
                self.raw.named(f"{split}_images"),
                needs=(self.raw,),
            )
            for split in SPLITS
        }

    def shards(self, split: Split) -> Artifact:
        return self.split_shards[split]

    @property
    def seconds_left(self) -> float:
        """Of the minutes that are given: time counts while a process works."""
        spent = self.earlier + time.monotonic() - self.started
        return self.settings.minutes * 60 - spent

    @cached_property
    def plan(self) -> Artifact | None:
        """What the minutes are used for; None where no time is set.

        Made once, by how fast this machine is then. What is made by it has the plan in
        its recipe, not what the plan says.
        """
        asked = self.asked or self.settings
        if not asked.minutes:
            return None
        settings = {"minutes": asked.minutes} | {
            f"{section}.{key}": value
            for section in ("preprocess", *asked.kinds, "predict")
            for key, value in recipe_settings(getattr(asked, section)).items()
        }
        return Artifact(
            PLAN,
            self.work.root,
            "train",
            settings | self.start_weights["train"] | self.start_of_partner,
            names_of(tuple(self.split_shards.values()))
            | self.raw.named("solutions")
            | {"backend": backend_name()},
            tuple(self.split_shards.values()),
            needs=(self.raw,),
        )

    @property
    def planned(self) -> "Run":
        """This run with what its plan says, once there is one."""
        run = replace(self, settings=self.asked, asked=None) if self.asked else self
        if run.plan is None or not run.plan.is_done:
            return run
        settings = with_plan(run.settings, **run.plan.result["plan"])
        return replace(run, settings=settings, asked=run.settings)

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """One trained network for each kind, seed and fold, in the order of training.

        The slower ones of an ensemble that is trained side by side should come first.
        """
        return tuple(
            self.member(
                section,
                replace(
                    kind,
                    seed=kind.seed + number,
                    shortened=part_of(kind.shortened, number * kind.num_folds + fold),
                ),
                fold,
            )
            for section, kind in self.settings.kinds.items()
            for number in range(kind.num_seeds)
            for fold in range(kind.num_folds)
        )

    def member(self, section: str, train: TrainConfig, fold: int) -> Member:
        title = f"{train.model}-seed{train.seed}"
        if train.num_folds > 1:
            title += f"-fold{fold}"
        splits = SPLITS if train.reweight else SPLITS[:1]
        roles = [*(f"{split}_images" for split in splits), "solutions"]
        settings = network_settings(train, fold)
        if self.plan:
            del settings["epochs"]
        return Member(
            f"models/{title}",
            self.work.root,
            "train",
            self.image_settings | settings | self.start_weights[section],
            self.raw.named(*roles) | {"backend": backend_name()} | self.plan_name,
            (*(self.shards(split) for split in splits), *self.plan_input),
            needs=(self.raw,),
            # before, the heads of all seeds began with the same weights
            method=2 if train.seed else 1,
            title=title,
            section=section,
            fold=fold,
            config=train,
        )

    @property
    def overlap(self) -> float:
        """What all networks take here, by what they take one after the other."""
        number, at_once = len(self.members), num_at_once(self.settings.train.threads)
        return rounds(number, at_once) / number

    @property
    def plan_input(self) -> tuple[Artifact, ...]:
        return (self.plan,) if self.plan else ()

    @property
    def plan_name(self) -> dict[str, str]:
        return names_of(self.plan_input)

    @property
    def member_names(self) -> dict[str, str]:
        """What stands for the networks in a recipe: the plan, which says how many."""
        return self.plan_name or names_of(self.members)

    @cached_property
    def image_settings(self) -> dict[str, Any]:
        """What a network sees; not how many images are in one file."""
        settings = recipe_settings(self.settings.preprocess)
        return {key: settings[key] for key in ("crop_size", "image_size")}

    @cached_property
    def start_weights(self) -> dict[str, dict[str, str]]:
        """For each kind of network, the digest of the file that it starts from."""
        return {
            section: self.digest_of_start(section, kind.weights_file)
            for section, kind in self.settings.kinds.items()
        }

    @property
    def start_of_partner(self) -> dict[str, str]:
        start = self.start_weights.get("partner", {})
        return {f"partner.{key}": value for key, value in start.items()}

    def digest_of_start(self, section: str, file: Path | None) -> dict[str, str]:
        """The digest of the file that backbones start from, wherever it is.

        Once networks are trained from it, the file may go.
        """
        if file is None:
            return {}
        if file.is_file():
            return {"weights": file_digest(file)}
        for folder in (self.work.root / "models").glob("*"):
            receipt = read_receipt(folder)
            if receipt and receipt["result"].get("start_weights") == str(file):
                return {"weights": receipt["recipe"]["settings"]["weights"]}
        raise PipelineError(f"{section}.weights names {file}, which is not a file.")

    @cached_property
    def view_settings(self) -> dict[str, Any]:
        settings = recipe_settings(self.settings.predict)
        del settings["blend_with"]  # other runs' networks held out other galaxies
        if self.plan:
            for name in VIEW_COUNTS:
                del settings[name]
        return settings

    @cached_property
    def held_out(self) -> Artifact:
        """What the networks say of the held-out galaxies."""
        return Artifact(
            "held_out/",
            self.work.root,
            "predict",
            self.view_settings,
            self.member_names,
            (self.shards("train"), *self.members),
        )

    @cached_property
    def predictions(self) -> Artifact:
        """The test set's 37 numbers, and what score to expect of them."""
        return Artifact(
            "predictions/",
            self.work.root,
            "predict",
            self.view_settings,
            names_of((self.shards("test"),))
            | self.member_names
            | self.blended_contents,
            (self.shards("test"), *self.members, self.held_out),
        )

    @cached_property
    def blended_contents(self) -> dict[str, str]:
        """What the predictions hold that are averaged with these."""
        receipts = [run.predictions.receipt for run in self.blended]
        return {
            f"blended {number}": receipt["content"] if receipt else "not finished"
            for number, receipt in enumerate(receipts, 1)
        }

    @property
    def digest(self) -> str:
        """What tells this run from the others in its work directory."""
        return self.predictions.digest

    @property
    def title(self) -> str:
        """What `predict.blend_with` calls it."""
        return f"{self.work.root}:{self.digest}"

    @cached_property
    def submission(self) -> Artifact:
        """The CSV, and what went into it."""
        settings = {"name": self.settings.export.name}
        inputs = (self.predictions,)
        return Artifact(
            "submission/",
            self.work.root,
            "export",
            settings,
            names_of(inputs),
            inputs,
        )

    @cached_property
    def classification(self) -> Artifact:
        """The simplified problem: three classes, several methods."""
        inputs = (self.shards("train"), self.held_out)
        settings = recipe_settings(self.settings.classify)
        return Artifact(
            "classify", self.work.root, "classify", settings, names_of(inputs), inputs
        )

    @cached_property
    def features(self) -> Artifact:
        """What the first network tells its head of the training galaxies."""
        inputs = (self.shards("train"), self.members[0])
        return Artifact(
            "features", self.work.root, "show", {}, names_of(inputs), inputs
        )

    @cached_property
    def report(self) -> Artifact:
        """The page of pictures and plots."""
        settings = recipe_settings(self.settings.report)
        del settings["make"]  # is whether, not what
        inputs = (self.held_out, self.predictions)
        names = names_of(inputs)
        if self.classification.is_done:  # its table joins the page once it is there
            names |= {"classify": self.classification.name}
        return Artifact(
            "report", self.work.root, "report", settings, names, inputs, method=2
        )

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """All of them, in the order of making; those beside the stages once wanted."""
        asked = (self.classification, self.features)
        beside = [item for item in asked if item.folder.exists()]
        if self.settings.report.make or self.report.folder.exists():
            beside.append(self.report)
        return (
            self.raw,
            *(self.shards(split) for split in SPLITS),
            *self.plan_input,
            *self.members,
            self.held_out,
            self.predictions,
            self.submission,
            *beside,
        )


def network_settings(train: TrainConfig, fold: int) -> dict[str, Any]:
    """What a network depends on, whatever other networks there are."""
    settings = recipe_settings(train) | {"fold": fold}
    del settings["num_seeds"]  # one more must not change the others
    del settings["reweight"]  # then the test set is an input
    if not train.reweight:
        del settings["reweight_from"]
    if train.num_folds > 1:
        del settings["validation_fraction"]
    return settings


def names_of(artifacts: tuple[Artifact, ...]) -> dict[str, str]:
    return {item.kind.rstrip("/"): item.name for item in artifacts}
