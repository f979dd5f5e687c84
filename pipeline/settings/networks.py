"""The settings of networks and of how they are trained."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from pipeline.files import expanded
from pipeline.settings.declaring import (
    LARGEST_ZOOM,
    NO_LIMIT,
    RAW_SIZE,
    SMALLEST_ZOOM,
    check,
    check_spans,
    setting,
)
from pipeline.settings.epochs import epochs_of

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
    "what products are computed in; auto: float16 on GPUs, bfloat16 where the "
    "processor has instructions for it and gains, else float32; float16: GPUs alone"
)
WEIGHTS_ENDINGS = (".h5", ".keras")
NETWORK_COUNTS = ("epochs", "num_seeds")
NOT_OF_A_KIND = (*NETWORK_COUNTS, "shortened")
SMALLEST_STEP = 1e-7  # less does not change a weight of 1, of float32


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
