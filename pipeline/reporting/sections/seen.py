"""One galaxy as the network sees it, and as training shows it."""

from typing import Any

import numpy as np

from pipeline.data.images import crop_center
from pipeline.data.tree import COLUMNS
from pipeline.reporting.html import photo
from pipeline.reporting.pictures import Pictures, enlarge, outline
from pipeline.reporting.words import augmentation, listed
from pipeline.runs.contents import HeldOut
from pipeline.settings.declaring import RAW_SIZE
from pipeline.settings.schema import Settings

NUM_AUGMENTED = 11  # beside the one galaxy as it is
BAR, SPIRAL, FEATURES = map(COLUMNS.index, ("Class3.1", "Class4.1", "Class1.2"))


def barred_spiral(targets: np.ndarray) -> int:
    """The row of (N, 37) where most volunteers saw a bar and spiral arms.

    Who sees either has seen features, and not edge-on. Where nobody saw both, it is
    the row where most saw features: of what is round, no turn can be told.
    """
    both = np.minimum(targets[:, BAR], targets[:, SPIRAL])
    return int((both if both.any() else targets[:, FEATURES]).argmax())


def what_is_seen(
    settings: Settings, data: HeldOut, row: int, pictures: Pictures, image: np.ndarray
) -> dict[str, Any]:
    """A held-out galaxy, whose image in the shards is (S, S, 3)."""
    galaxy, targets = int(data.ids[row]), data.targets[row]
    kinds = augmentation(settings.train)
    return {
        "galaxy": galaxy,
        "bar": float(targets[BAR]),
        "spiral": float(targets[SPIRAL]),
        "views": views_of_one(settings, galaxy, pictures, image),
        "augmentation": listed(kinds) if kinds else "",
        "augmented": tiles(settings, image) if kinds else [],
    }


def views_of_one(
    settings: Settings, galaxy: int, pictures: Pictures, image: np.ndarray
) -> list[dict[str, Any]]:
    """The original with the crop outlined, the crop, and the crop as it is seen.

    Only the last where the originals are not at hand.
    """
    size, small = settings.preprocess.crop_size, settings.preprocess.image_size
    view = settings.train.view_size or small
    seen = f"The crop as the network sees it, {small} px"
    if view < small:
        seen = f"What the network sees: the central {view} of {small} px"
    texts = (
        f"Galaxy {galaxy} as it comes, {RAW_SIZE} px; the crop is outlined",
        f"The crop, {size} px",
        seen,
    )
    original = pictures.by_id[galaxy]
    small_one = enlarge(crop_center(image, view), 400)
    images = outline(original, size), crop_center(original, size), small_one
    views = [
        {"photo": photo(part, text), "text": text, "kind": kind}
        for part, text, kind in zip(
            images, texts, ("photo", "photo", "sharp"), strict=True
        )
    ]
    return views if pictures.original else views[-1:]


def tiles(settings: Settings, image: np.ndarray) -> list[Any]:
    """The image as the network sees it, then as training may show it."""
    view = settings.train.view_size or image.shape[0]
    images = [image, *augment(settings, image)]
    texts = ["Not augmented", *["Augmented"] * NUM_AUGMENTED]
    return [
        photo(enlarge(crop_center(part, view), 160), text)
        for part, text in zip(images, texts, strict=True)
    ]


def augment(settings: Settings, image: np.ndarray) -> np.ndarray:
    """What training makes of one image (S, S, 3): (B, S, S, 3) uint8."""
    from pipeline.settings.backend import start_keras

    start_keras()
    from pipeline.models.augmentation import Warp, draw_transforms

    size = image.shape[0]
    shift = settings.train.shift * size / settings.preprocess.crop_size
    rng = np.random.default_rng(settings.train.seed)
    transforms = draw_transforms(settings.train, NUM_AUGMENTED, size, shift, rng)
    images = np.repeat(image[None], NUM_AUGMENTED, axis=0)
    return np.rint(np.asarray(Warp()(images, transforms))).astype(np.uint8)
