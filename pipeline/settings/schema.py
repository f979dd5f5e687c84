"""Every setting, declared once, and checked."""

import dataclasses
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pipeline.errors import Misuse
from pipeline.files import expanded
from pipeline.settings.epochs import epochs_of
from pipeline.settings.idle import refuse_muon, refuse_no_reweighting
from pipeline.settings.presets import PRESETS
from pipeline.settings.spelling import nearest

RAW_SIZE = 424  # every competition image is 424 x 424 px

BACKBONES = (  # can start from weights of elsewhere
    "efficientnetlite0",
    "resnet50",
    "efficientnetv2b0",
    "efficientnetv2s",
    "convnexttiny",
    "dinov2",
)
SMALLEST_IMAGE = {"dieleman2014": 99} | dict.fromkeys(BACKBONES, 32)  # px; else 16
PATCH_SIZE = 14  # px along the side of what dinov2 sees as one
NUM_WAYS = 8  # to look at a picture: turned by quarters, and mirrored
SIZE_MULTIPLE = {"dinov2": PATCH_SIZE}  # px
WITH_DROP_PATH = ("efficientnetlite0", "dinov2")
Precision = Literal["auto", "float32", "bfloat16", "float16"]
PRECISION = (
    "what products are computed in; auto: float16 on GPUs, else float32; bfloat16: "
    "faster where the processor has instructions for it; float16: GPUs alone"
)
WEIGHTS_ENDINGS = (".h5", ".keras")
VIEW_COUNTS = ("num_rotations", "num_zooms")
NETWORK_COUNTS = ("epochs", "num_seeds")
NOT_OF_A_KIND = (*NETWORK_COUNTS, "shortened")
# less moves nothing by a pixel, more leaves a pixel or two of a galaxy
SMALLEST_ZOOM, LARGEST_ZOOM = 1.001, 10
NO_LIMIT = float("inf")
SMALLEST_STEP = 1e-7  # less does not change a weight of 1, of float32
MOST_BYTES = 200  # of the name of a file, to which more is added


def setting(default: Any, text: str, **metadata: Any) -> Any:
    """A dataclass field with its help text.

    Args:
        default: its value unless a preset or a user gives another.
        text: what `--help` says of it.
        metadata: `path=True` where the value names a file or folder, with
            `listed=True` several with commas between them; `added=True`
            where results had been made before there was such a setting;
            `span=(least, most)`, the numbers by which something happens, and
            `off=number` that by which nothing is meant to.
    """
    return field(default=default, metadata={"help": text, **metadata})


def check(good: bool, message: str) -> None:
    """Refuses a combination of settings."""
    if not good:
        raise Misuse(message)


def check_spans(section: str, config: Any) -> None:
    """Refuses numbers so small or large that they would do nothing, or just harm."""
    for item in dataclasses.fields(config):
        value, off = getattr(config, item.name), item.metadata.get("off")
        least, most = item.metadata.get("span", (value, value))
        zero = "" if off is None else f"{off}, or "
        bounds = f"{least} or more" if most == NO_LIMIT else f"from {least} to {most}"
        check(
            value == off or least <= value <= most,
            f"{section}.{item.name} must be {zero}{bounds}. Got {value}.",
        )


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
class NetworkConfig:
    """One kind of network, and what suits it in its training."""

    section: ClassVar[str]

    model: Literal[
        "compact",
        "sirressi2020",
        "dieleman2014",
        "efficientnetlite0",
        "resnet50",
        "efficientnetv2b0",
        "efficientnetv2s",
        "convnexttiny",
        "dinov2",
    ] = setting("compact", "architecture")
    weights: str = setting(
        "none",
        "a backbone starts from: none, imagenet, or a .h5 or .keras file",
        path=True,
    )
    view_size: int = setting(
        0, "pixels across the centre that the network sees, the rest for turns; 0: all"
    )
    shrink_to: int = setting(
        0,
        "pixels that these are shrunk to, for a network of smaller images than another "
        "one of the run; 0: not",
        added=True,
    )
    block_size: int = setting(
        2, "compact: pixels along the side of what becomes a place"
    )
    width: int = setting(24, "compact: channels of the first block, later multiplied")
    num_levels: int = setting(
        2,
        "compact: pairs of convolutions, each of half the pixels along a side and "
        "twice the channels of what is before it",
        span=(1, 5),
        added=True,
    )
    equivariant: bool = setting(
        False,
        "compact: each filter in all eight turns and mirrors, so that a picture is the "
        "same to it in all of them",
        added=True,
    )
    epochs: int = setting(24, "passes over the training images")
    shortened: str = setting(
        "",
        "fewer epochs, decided on the way: AFTER:EPOCHS, several with commas; with / "
        "between networks; as a run with minutes prints it",
        added=True,
    )
    batch_size: int = setting(32, "images in one step")
    optimizer: Literal["adamw", "muon", "adam", "sgd"] = setting(
        "adamw",
        "what takes the steps; muon: of convolutions of compact, adamw of all else; "
        "sgd with Nesterov momentum 0.9",
    )
    learning_rate: float = setting(
        2e-3, "step size at its highest", span=(SMALLEST_STEP, NO_LIMIT)
    )
    weight_decay: float = setting(1e-4, "of kernels; adam has none")
    dropout: float = setting(
        0.0, "share of features dropped before the head", span=(1e-3, 0.9), off=0
    )
    drop_path: float = setting(
        0.0,
        "share of images that skip the last block of a backbone, falling to 0 at its "
        "first",
        span=(1e-3, 0.9),
        off=0,
        added=True,
    )
    first_layer_rate: float = setting(
        1.0,
        "share of the learning rate that the first layer has, rising by equal factors "
        "from layer to layer up to the head; for adamw",
        span=(1e-4, 1),
        added=True,
    )
    num_seeds: int = setting(
        1, "networks for each fold, with consecutive seeds; all averaged"
    )

    def __post_init__(self) -> None:
        own = self.section
        for name in ("block_size", "width", "epochs", "batch_size"):
            value = getattr(self, name)
            check(value >= 1, f"{own}.{name} must be at least 1. Got {value}.")
        for name in ("view_size", "shrink_to", "weight_decay"):
            value = getattr(self, name)
            check(value >= 0, f"{own}.{name} must not be negative. Got {value}.")
        check_spans(own, self)
        check(
            self.weight_decay * self.learning_rate < 1,
            f"{own}.weight_decay times {own}.learning_rate must be below 1, so that "
            f"weights keep their sign. Got {self.weight_decay} and "
            f"{self.learning_rate}.",
        )
        check(
            not self.equivariant or self.width % NUM_WAYS == 0,
            f"{own}.equivariant needs {own}.width in multiples of {NUM_WAYS}. "
            f"Got {self.width}.",
        )
        check(
            self.weights in ("none", "imagenet") or self.weights_file is not None,
            f"{own}.weights is none, imagenet or a file that ends in "
            f'{" or ".join(WEIGHTS_ENDINGS)}. Got "{self.weights}".',
        )
        check(
            self.weights == "none" or self.model in BACKBONES,
            f"{own}.weights is for a backbone ({', '.join(BACKBONES)}). "
            f"Got {own}.model={self.model}: set {own}.weights=none with it.",
        )
        check(
            self.drop_path == 0 or self.model in WITH_DROP_PATH,
            f"{own}.drop_path is for {', '.join(WITH_DROP_PATH)}. "
            f"Got {own}.model={self.model}: set {own}.drop_path=0 with it.",
        )
        check(
            self.first_layer_rate == 1 or self.optimizer == "adamw",
            f"{own}.first_layer_rate is for adamw. Got {own}.optimizer="
            f"{self.optimizer}: set {own}.first_layer_rate=1 with it.",
        )
        for part in self.shortened.split("/"):
            epochs_of(self.epochs, part)

    @property
    def is_invariant(self) -> bool:
        """Whether it says the same of a picture turned by quarters or mirrored."""
        return self.equivariant and self.model == "compact"

    @property
    def weights_file(self) -> Path | None:
        """The file that a backbone starts from, if it is one."""
        named = self.weights.endswith(WEIGHTS_ENDINGS)
        return expanded(self.weights) if named else None


@dataclass(frozen=True)
class TrainConfig(NetworkConfig):
    """The network and its training."""

    section: ClassVar[str] = "train"

    head: Literal["tree", "sigmoid", "relu", "linear"] = setting(
        "tree",
        "tree: softmax per question times the parent; relu: the same by rectified "
        "shares; sigmoid, linear: 37 free outputs",
    )
    loss: Literal["mse", "huber", "votes"] = setting(
        "mse", "what is minimised; votes: how unlikely they are, for the tree head"
    )
    huber_delta: float = setting(
        0.1, "where the huber loss turns from square to linear", span=(1e-4, 1)
    )
    schedule: Literal["cosine", "steps", "constant"] = setting(
        "cosine", "how the rate falls; steps: to a tenth after 72 % and after 92 %"
    )
    warmup: float = setting(
        0.05, "share of the steps over which the rate rises", span=(1e-4, 0.9), off=0
    )
    ema_epochs: float = setting(
        1.0,
        "weights are averaged over so many epochs; 0: not",
        span=(1e-3, NO_LIMIT),
        off=0,
    )
    rotate: bool = setting(True, "augmentation: turn by any angle")
    flip: bool = setting(True, "augmentation: mirror half the images")
    zoom: float = setting(
        1.2,
        "augmentation: magnify by 1/zoom to zoom; 1: not",
        span=(SMALLEST_ZOOM, LARGEST_ZOOM),
        off=1,
    )
    shift: float = setting(
        4.0,
        "augmentation: move by up to so many original pixels",
        span=(0.1, RAW_SIZE // 2),
        off=0,
    )
    colour: float = setting(
        0.0, "augmentation: spread of the light added; 0: none", span=(0.01, 20), off=0
    )
    num_folds: int = setting(
        1, "parts held out in turn, a network for each; 1: just validation_fraction is"
    )
    reweight: bool = setting(
        False,
        "end on galaxies reweighted to the test set, by what the network predicts for "
        "both",
    )
    reweight_from: float = setting(
        0.67, "share of the epochs after which they are reweighted"
    )
    keep: Literal["best", "last"] = setting(
        "best",
        "the network is that of the epoch with the lowest epoch RMSE, or of the last",
        added=True,
    )
    validation_fraction: float = setting(
        0.1, "share of validation galaxies, by their id, where num_folds is 1"
    )
    seed: int = setting(0, "the first; fixes initial weights, order and augmentation")
    threads: int = setting(
        0,
        "cores of each network; as many as fit are trained side by side; 0: one after "
        "the other, by all cores",
        added=True,
    )
    precision: Precision = setting("auto", PRECISION, added=True)
    deterministic: bool = setting(
        True,
        "a GPU gives the same weights every time, by slower kernels; a CPU always does",
        added=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("num_folds", "num_seeds"):
            value = getattr(self, name)
            check(value >= 1, f"train.{name} must be at least 1. Got {value}.")
        for name in ("seed", "threads"):
            value = getattr(self, name)
            check(value >= 0, f"train.{name} must not be negative. Got {value}.")
        check(
            self.ema_epochs <= self.epochs,
            "train.ema_epochs must not exceed train.epochs: the average would be of "
            f"untrained weights. Got {self.ema_epochs} and {self.epochs}.",
        )
        check(
            self.schedule != "steps" or self.warmup == 0,
            "train.schedule=steps starts at its highest rate. "
            f"Got train.warmup={self.warmup}: set train.warmup=0 with it.",
        )
        check(
            self.loss != "votes" or self.head == "tree",
            "train.loss=votes needs shares that sum to 1, so train.head=tree. "
            f"Got train.head={self.head}: set train.loss=mse with it.",
        )
        for name in ("validation_fraction", "reweight_from"):
            value = getattr(self, name)
            check(0 < value < 1, f"train.{name} must lie between 0 and 1. Got {value}.")


@dataclass(frozen=True)
class PartnerConfig(NetworkConfig):
    """A second kind of network, averaged with the first; all else is as in train."""

    section: ClassVar[str] = "partner"

    num_seeds: int = setting(
        0, "networks of it for each fold, with the seeds of the first kind; 0: none"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check(
            self.num_seeds >= 0,
            f"partner.num_seeds must not be negative. Got {self.num_seeds}.",
        )

    def beside(self, train: TrainConfig) -> TrainConfig:
        """How it is trained: what is not of the network itself, as the first kind."""
        own = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return dataclasses.replace(train, **own)


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


def check_view(network: NetworkConfig, image_size: int) -> None:
    """Refuses a view that the images, or the model, have no room for."""
    own, view = network.section, network.view_size or image_size
    check(
        view <= image_size and (image_size - view) % 2 == 0,
        f"{own}.view_size must be smaller than preprocess.image_size={image_size} "
        f"by an even number. Got {view}.",
    )
    size = network.shrink_to or view
    check(
        size <= view,
        f"{own}.shrink_to must be smaller than the {view} px that the network sees. "
        f"Got {size}.",
    )
    smallest = SMALLEST_IMAGE.get(network.model, 16)
    multiple = SIZE_MULTIPLE.get(network.model, 1)
    if network.model == "compact":
        smallest = 2 ** (network.num_levels + 1) * network.block_size
        # a pooling of an odd number of places would leave out those of one side
        multiple = smallest if network.equivariant else network.block_size
    check(
        size >= smallest and size % multiple == 0,
        f"{own}.model={network.model} needs images ({own}.shrink_to, {own}.view_size "
        f"or else preprocess.image_size) of {smallest} px or more, in multiples of "
        f"{multiple}. Got {size}.",
    )


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
