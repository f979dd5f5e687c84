"""The settings of a run, section by section, and checked together."""

import dataclasses
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import Misuse
from pipeline.settings.declaring import (
    LARGEST_ZOOM,
    RAW_SIZE,
    SMALLEST_ZOOM,
    check,
    check_spans,
    setting,
)
from pipeline.settings.idle import refuse_muon, refuse_no_reweighting
from pipeline.settings.networks import (
    NETWORK_COUNTS,
    NOT_OF_A_KIND,
    PRECISION,
    PartnerConfig,
    Precision,
    TrainConfig,
    check_view,
)
from pipeline.settings.presets import PRESETS
from pipeline.settings.spelling import nearest

VIEW_COUNTS = ("num_rotations", "num_zooms")
MOST_BYTES = 200  # of the name of a file, to which more is added


@dataclass(frozen=True)
class DemoConfig:
    """The rendered sky that stands in for Kaggle's files."""

    num_train: int = setting(1800, "galaxies rendered with labels")
    num_test: int = setting(600, "galaxies rendered to be predicted")
    num_volunteers: int = setting(45, "simulated volunteers who classify each galaxy")
    seed: int = setting(0, "fixes every galaxy and every vote")

    def __post_init__(self) -> None:
        check(
            self.num_train >= 20 and self.num_test >= 1,
            "The demo sky needs demo.num_train >= 20 and demo.num_test >= 1. "
            f"Got {self.num_train} and {self.num_test}.",
        )
        check(
            self.num_train + self.num_test <= 800_000,
            "demo.num_train + demo.num_test must not exceed 800000, the six-digit ids.",
        )
        check(self.num_volunteers >= 1, "demo.num_volunteers must be at least 1.")
        check(self.seed >= 0, "demo.seed must not be negative.")


@dataclass(frozen=True)
class KaggleConfig:
    """How long Kaggle is waited for; no artifact depends on it."""

    connect_timeout: float = setting(15.0, "until a connection must stand")
    stall_timeout: float = setting(30.0, "until a silent or crawling connection is cut")
    max_attempts: int = setting(
        6, "failures in a row, without progress, before giving up"
    )
    first_wait: float = setting(1.0, "seconds before the second try; doubled each time")
    max_wait: float = setting(120.0, "seconds waited at most when Kaggle asks to wait")
    poll_interval: float = setting(
        5.0, "between two looks for the verdict on an upload"
    )

    def __post_init__(self) -> None:
        for name in ("connect_timeout", "stall_timeout", "poll_interval"):
            value = getattr(self, name)
            check(value > 0, f"kaggle.{name} must be above 0. Got {value}.")
        for name in ("first_wait", "max_wait"):
            value = getattr(self, name)
            check(value >= 0, f"kaggle.{name} must not be negative. Got {value}.")
        check(
            self.max_attempts >= 1,
            f"kaggle.max_attempts must be at least 1. Got {self.max_attempts}.",
        )


@dataclass(frozen=True)
class PreprocessConfig:
    """How a picture becomes a row of a shard."""

    crop_size: int = setting(212, "pixels cut from the centre of the original")
    image_size: int = setting(64, "pixels the crop is shrunk to")
    shard_size: int = setting(1024, "images in one .npy file")
    max_bad_share: float = setting(
        0.02,
        "share of unreadable images past which the run stops; up to 3 are tolerated",
    )

    def __post_init__(self) -> None:
        check(
            16 <= self.image_size <= self.crop_size <= RAW_SIZE,
            "preprocess needs 16 <= image_size <= crop_size <= 424. "
            f"Got image_size={self.image_size}, crop_size={self.crop_size}.",
        )
        check(self.shard_size >= 1, "preprocess.shard_size must be at least 1.")
        check(
            0 <= self.max_bad_share <= 1,
            "preprocess.max_bad_share must lie between 0 and 1. "
            f"Got {self.max_bad_share}.",
        )


@dataclass(frozen=True)
class PredictConfig:
    """How the test set is predicted."""

    flips: bool = setting(True, "average over each image and its mirror image")
    num_rotations: int = setting(
        4,
        "and so many angles, evenly over the full turn; time grows with the number of "
        "views, which is 2 with flips, times rotations, times zooms",
    )
    num_zooms: int = setting(1, "and so many magnifications, an odd number")
    zoom: float = setting(
        1.2,
        "these reach from 1/zoom to zoom",
        span=(SMALLEST_ZOOM, LARGEST_ZOOM),
        off=1,
    )
    batch_size: int = setting(256, "images in one step")
    obey_tree: bool = setting(
        True, "rescale each question to its parent, where a head does not"
    )
    precision: Precision = setting("auto", PRECISION, added=True)
    blend_with: str = setting(
        "",
        "finished runs to average with, DIR or DIR:digest, separated by commas",
        path=True,
        listed=True,
    )

    def __post_init__(self) -> None:
        for name in ("num_rotations", "batch_size"):
            value = getattr(self, name)
            check(value >= 1, f"predict.{name} must be at least 1. Got {value}.")
        check(
            self.num_zooms >= 1 and self.num_zooms % 2 == 1,
            f"predict.num_zooms must be odd, 1 at least. Got {self.num_zooms}.",
        )
        check_spans("predict", self)
        check(
            self.zoom > 1 or self.num_zooms == 1,
            f"predict.zoom must be above 1 for several zooms. Got {self.zoom}.",
        )

    @property
    def blended_runs(self) -> list[str]:
        """The runs that are averaged with this one, as they were named."""
        return [name for name in map(str.strip, self.blend_with.split(",")) if name]

    @property
    def num_views(self) -> int:
        """How many views of each test image a network sees."""
        return (1 + self.flips) * self.num_rotations * self.num_zooms


@dataclass(frozen=True)
class ExportConfig:
    """The submission file."""

    name: str = setting("", "file name before the digest; empty: source-preset")
    folder: str = setting(
        "", "where the CSV goes; empty: the project's submissions/", path=True
    )

    def __post_init__(self) -> None:
        check(
            Path(self.name).name == self.name and not self.name.endswith(".csv"),
            "export.name is a bare file name, without folder and without .csv. "
            f'Got "{self.name}".',
        )
        check(
            len(os.fsencode(self.name)) <= MOST_BYTES,
            f"export.name has at most {MOST_BYTES} bytes, so that a file can have it. "
            f"Got {len(os.fsencode(self.name))}.",
        )
        check(
            self.name.lower() != "ledger",
            "export.name=ledger is taken: ledger.csv lists the submissions.",
        )


@dataclass(frozen=True)
class ReportConfig:
    """The page of plots and pictures."""

    make: bool = setting(
        True, "whether all ends with it; the command report always does"
    )
    num_galaxies: int = setting(
        4, "galaxies shown of largest, typical and smallest error"
    )

    def __post_init__(self) -> None:
        check(
            self.num_galaxies >= 1,
            f"report.num_galaxies must be at least 1. Got {self.num_galaxies}.",
        )


@dataclass(frozen=True)
class ClassifyConfig:
    """The simplified problem: smooth, disk or artifact."""

    num_images: int = setting(
        1000, "galaxies used, 80 % to fit, 10 % to watch, 10 % to test; 0: all"
    )
    full_size: bool = setting(
        False, "the crops at full size, as the course report had them; else the shards"
    )
    class_weights: bool = setting(False, "weight classes by how rare they are")
    max_iterations: int = setting(100, "logistic regression: passes over the images")
    tolerance: float = setting(
        1e-3, "logistic regression: change at which it stops", span=(0, 0.1)
    )
    epochs: int = setting(4, "small CNN: passes over the images")
    batch_size: int = setting(32, "small CNN: images in one step")
    seed: int = setting(
        0, "fixes the choice of galaxies, the order and initial weights"
    )

    def __post_init__(self) -> None:
        check(
            self.num_images == 0 or self.num_images >= 30,
            f"classify.num_images is 0 or at least 30. Got {self.num_images}.",
        )
        for name in ("max_iterations", "epochs", "batch_size"):
            value = getattr(self, name)
            check(value >= 1, f"classify.{name} must be at least 1. Got {value}.")
        check(self.seed >= 0, f"classify.seed must not be negative. Got {self.seed}.")
        check_spans("classify", self)


@dataclass(frozen=True)
class Settings:
    """All settings of a run, and where its galaxies come from."""

    source: str = "demo"  # "kaggle", "demo" or the absolute path of a folder
    preset: str = "cpu"
    minutes: float = setting(
        0.0, "time for all: epochs, networks and views follow from it; 0: any"
    )
    demo: DemoConfig = field(default_factory=DemoConfig)
    kaggle: KaggleConfig = field(default_factory=KaggleConfig)
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    partner: PartnerConfig = field(default_factory=PartnerConfig)
    predict: PredictConfig = field(default_factory=PredictConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    classify: ClassifyConfig = field(default_factory=ClassifyConfig)

    def __post_init__(self) -> None:
        check(self.minutes >= 0, f"minutes must not be negative. Got {self.minutes}.")
        check_view(self.train, self.preprocess.image_size)
        refuse_muon(self.train)
        refuse_no_reweighting(self.train)
        if self.partner.num_seeds:
            self.check_partner()

    def check_partner(self) -> None:
        check(
            self.train.ema_epochs <= self.partner.epochs,
            "train.ema_epochs must not exceed partner.epochs. "
            f"Got {self.train.ema_epochs} and {self.partner.epochs}.",
        )
        check_view(self.partner, self.preprocess.image_size)
        refuse_muon(self.partner)
        partner = self.partner.beside(self.train)
        refuse_no_reweighting(partner, "partner")
        how_many = {name: getattr(self.train, name) for name in NOT_OF_A_KIND}
        check(
            dataclasses.replace(partner, **how_many) != self.train,
            "partner is the kind of network that train is, whatever its epochs. "
            "Raise train.num_seeds in place of it.",
        )

    @property
    def kinds(self) -> dict[str, TrainConfig]:
        """The settings of each kind of network, by the section where its own are."""
        if not self.partner.num_seeds:
            return {"train": self.train}
        return {"train": self.train, "partner": self.partner.beside(self.train)}


def recipe_settings(config: Any) -> dict[str, Any]:
    """The values of a section that a result follows from.

    A setting that was added after results had been made by its default joins only where
    it is not at its default, so that these results keep their names.
    """
    return {
        item.name: getattr(config, item.name)
        for item in dataclasses.fields(config)
        if not item.metadata.get("added") or getattr(config, item.name) != item.default
    }


def with_plan(settings: Settings, **planned: int) -> Settings:
    """The settings with other epochs, networks or views."""

    def told(names: Iterable[str], prefix: str = "") -> dict[str, int]:
        return {
            name: planned[prefix + name] for name in names if prefix + name in planned
        }

    return dataclasses.replace(
        settings,
        train=dataclasses.replace(settings.train, **told(NETWORK_COUNTS)),
        partner=dataclasses.replace(
            settings.partner, **told(NETWORK_COUNTS, "partner_")
        ),
        predict=dataclasses.replace(settings.predict, **told(VIEW_COUNTS)),
    )


def num_networks(settings: Settings) -> int:
    """How many there are, of both kinds and for all folds."""
    return settings.train.num_folds * sum(
        kind.num_seeds for kind in settings.kinds.values()
    )


SECTIONS: dict[str, type] = {
    "demo": DemoConfig,
    "kaggle": KaggleConfig,
    "preprocess": PreprocessConfig,
    "train": TrainConfig,
    "partner": PartnerConfig,
    "predict": PredictConfig,
    "export": ExportConfig,
    "report": ReportConfig,
    "classify": ClassifyConfig,
}


WITHOUT_SECTION = ("minutes",)


def all_settings() -> dict[str, dataclasses.Field]:
    """Every setting by its `section.name`, or by its name alone."""
    return {
        item.name: item
        for item in dataclasses.fields(Settings)
        if item.name in WITHOUT_SECTION
    } | {
        f"{section}.{item.name}": item
        for section, cls in SECTIONS.items()
        for item in dataclasses.fields(cls)
    }


def value_of(settings: Settings, key: str) -> Any:
    """A setting by its `section.name`, or by its name alone."""
    section, _, name = key.rpartition(".")
    return getattr(getattr(settings, section) if section else settings, name)


def make_settings(
    source: str, preset: str, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """The preset with `overrides` on top.

    Args:
        source: "kaggle", "demo" or a folder's absolute path.
        preset: a name in `PRESETS`.
        overrides: checked values by `section.name`.

    Raises:
        Misuse: an unknown preset, or values that do not go together.
    """
    values = known_preset(preset) | dict(overrides or {})
    sections = {
        section: cls(
            **{
                item.name: values[f"{section}.{item.name}"]
                for item in dataclasses.fields(cls)
                if f"{section}.{item.name}" in values
            }
        )
        for section, cls in SECTIONS.items()
    }
    alone = {name: values[name] for name in WITHOUT_SECTION if name in values}
    return Settings(source=source, preset=preset, **alone, **sections)


def known_preset(name: str) -> dict[str, Any]:
    """The settings of a preset.

    Raises:
        Misuse: there is no such preset.
    """
    if name not in PRESETS:
        raise Misuse(
            f'Unknown preset "{name}". {nearest(name, PRESETS)} '
            f"The presets: {', '.join(PRESETS)}."
        )
    return PRESETS[name]
