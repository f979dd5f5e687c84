"""A network of any architecture: the `features` of its file or its family, a head."""

import importlib

import keras
import numpy as np

from pipeline.models.heads import linear_head, relu_head, sigmoid_head, tree_head
from pipeline.models.layers import Shrink
from pipeline.settings.networks import TrainConfig

HEADS = {
    "tree": tree_head,
    "relu": relu_head,
    "sigmoid": sigmoid_head,
    "linear": linear_head,
}
VIEW = "view"  # the layer that crops, where there is one
FAMILIES = dict.fromkeys(
    ("resnet50", "efficientnetv2b0", "efficientnetv2s", "convnexttiny"), "applications"
)


def build_network(
    config: TrainConfig, image_size: int, means: np.ndarray
) -> keras.Model:
    """The untrained network, pixels in and vote fractions out.

    Args:
        config: which architecture and head, how wide.
        image_size: S, pixels along a side.
        means: (37,) mean fraction of each answer, which most heads start out at.

    Returns:
        (B, S, S, 3) uint8 or float in 0..255 -> (B, 37) float32, in [0, 1] but for
        the linear head.

    Raises:
        PipelineError: the weights that a backbone is to start from cannot be had.
    """
    name = FAMILIES.get(config.model, config.model)
    architecture = importlib.import_module(f"pipeline.models.{name}")
    images = keras.Input((image_size, image_size, 3), name="images")
    # pixels are scaled within, so that training and prediction cannot disagree
    margin = (image_size - (config.view_size or image_size)) // 2
    x = keras.layers.Cropping2D(margin, name=VIEW)(images) if margin else images
    x = Shrink(config.shrink_to)(x) if config.shrink_to else x
    x = architecture.features(x, config)
    x = keras.layers.Dropout(config.dropout, seed=config.seed)(x)
    fractions = HEADS[config.head](x, means, config.seed)
    return keras.Model(images, fractions, name=config.model)


def of_view(network: keras.Model) -> keras.Model:
    """The same layers and weights, without the cropping: (B, V, V, 3) -> (B, 37)."""
    if not any(layer.name == VIEW for layer in network.layers):
        return network
    view = network.get_layer(VIEW).output
    return keras.Model(view, network.outputs[0], name=network.name)
