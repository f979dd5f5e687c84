"""DINOv2's vision transformer ViT-B/14, out of the optional package keras-hub.

Source: Oquab et al. 2023, "DINOv2: Learning Robust Visual Features without
Supervision"; the registers are of Darcet et al. 2024, "Vision Transformers Need
Registers".
"""

from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from pipeline.errors import PipelineError
from pipeline.models.backbones import start_backbone
from pipeline.settings.networks import PATCH_SIZE, TrainConfig

PRESET = "dinov2_with_registers_base"
SIZES = {  # of that preset, for what starts without it
    "num_layers": 12,
    "hidden_dim": 768,
    "num_heads": 12,
    "intermediate_dim": 3072,
    "num_register_tokens": 4,
}
MEANS = 255 * np.array([0.485, 0.456, 0.406])  # ImageNet's, which it was trained with
SPREADS = 255 * np.array([0.229, 0.224, 0.225])


def features(images: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Pixels (B, S, S, 3) of 0 to 255 -> (B, 768): the token that sees them all."""
    backbone = start_backbone(config, partial(build, images.shape[1:], config))
    # keras-hub resamples these on every load, and so would not give back changed ones;
    # the other is of no use without masks
    backbone.embeddings.interpolated_position_embeddings.trainable = False
    backbone.embeddings.position_embeddings.trainable = False
    backbone.embeddings.mask_token.trainable = False
    if config.drop_path:
        blocks = backbone.encoder.layers
        for block, share in zip(blocks, np.linspace(0, 1, len(blocks)), strict=True):
            block.drop_path.rate = config.drop_path * float(share)
    x = layers.Normalization(mean=MEANS.tolist(), variance=(SPREADS**2).tolist())(
        images
    )
    return ops.take(backbone({"images": x}), 0, axis=1)


def build(
    shape: tuple[int, int, int], config: TrainConfig, published: bool
) -> keras.Model:
    try:
        from keras_hub.models import DINOV2Backbone
        from keras_hub.src.models.dinov2 import dinov2_layers
    except ImportError:
        raise PipelineError(
            "train.model=dinov2 needs the package keras-hub. Run "
            '".venv/bin/pip install keras-hub==0.29.1" first.'
        ) from None
    # what keras-hub has in its place adds noise to all images, and skips no block
    dinov2_layers.DINOV2DropPath = drop_path
    own = {"image_shape": shape, "drop_path_rate": config.drop_path}
    if published:
        return DINOV2Backbone.from_preset(PRESET, **own)
    return DINOV2Backbone(patch_size=PATCH_SIZE, **SIZES, **own)


def drop_path(rate: float, **others: Any) -> keras.layers.Layer:
    """Tokens (B, T, C), those of a share of the images 0: they skip a block."""
    return layers.Dropout(rate, noise_shape=(None, 1, 1), **others)
