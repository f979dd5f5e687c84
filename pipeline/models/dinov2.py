"""DINOv2's vision transformer ViT-B/14, out of the optional package keras-hub.

Source: Oquab et al. 2023, "DINOv2: Learning Robust Visual Features without
Supervision".
"""

from functools import partial

import keras
import numpy as np
from keras import layers, ops

from pipeline.errors import PipelineError
from pipeline.models.backbones import start_backbone
from pipeline.settings.schema import PATCH_SIZE, TrainConfig

PRESET = "dinov2_base"
SIZES = {  # of that preset, for what starts without it
    "num_layers": 12,
    "hidden_dim": 768,
    "num_heads": 12,
    "intermediate_dim": 3072,
}
MEANS = 255 * np.array([0.485, 0.456, 0.406])  # ImageNet's, which it was trained with
SPREADS = 255 * np.array([0.229, 0.224, 0.225])


def features(images: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Pixels (B, S, S, 3) of 0 to 255 -> (B, 768): the token that sees them all."""
    backbone = start_backbone(config, partial(build, images.shape[1:]))
    # keras-hub resamples these on every load, and so would not give back changed ones;
    # the other is of no use without masks
    backbone.embeddings.interpolated_position_embeddings.trainable = False
    backbone.embeddings.position_embeddings.trainable = False
    backbone.embeddings.mask_token.trainable = False
    x = layers.Normalization(mean=MEANS.tolist(), variance=(SPREADS**2).tolist())(
        images
    )
    return ops.take(backbone({"images": x}), 0, axis=1)


def build(shape: tuple[int, int, int], published: bool) -> keras.Model:
    try:
        from keras_hub.models import DINOV2Backbone
    except ImportError:
        raise PipelineError(
            "train.model=dinov2 needs the package keras-hub. Run "
            '".venv/bin/pip install keras-hub==0.29.1" first.'
        ) from None
    if published:
        return DINOV2Backbone.from_preset(PRESET, image_shape=shape)
    return DINOV2Backbone(patch_size=PATCH_SIZE, image_shape=shape, **SIZES)
