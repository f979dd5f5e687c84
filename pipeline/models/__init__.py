"""Every architecture, one file each: `pipeline/models/<name>.py` holds `features`."""

import importlib

import keras
import numpy as np

from pipeline.config import TrainConfig
from pipeline.models.heads import sigmoid_head, tree_head

HEADS = {"tree": tree_head, "sigmoid": sigmoid_head}


def build_network(
    config: TrainConfig, image_size: int, means: np.ndarray
) -> keras.Model:
    """The untrained network, pixels in and vote fractions out.

    Args:
        config: which architecture and head, how wide.
        image_size: S, pixels along a side.
        means: (37,) mean fraction of each answer, what it predicts to begin with.

    Returns:
        (B, S, S, 3) uint8 or float in 0..255 -> (B, 37) float32 in [0, 1].
    """
    architecture = importlib.import_module(f"pipeline.models.{config.model}")
    images = keras.Input((image_size, image_size, 3), name="images")
    # pixels are scaled within, so that training and prediction cannot disagree
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = architecture.features(x, config)
    x = keras.layers.Dropout(config.dropout, seed=config.seed)(x)
    return keras.Model(images, HEADS[config.head](x, means), name=config.model)
