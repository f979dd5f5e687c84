"""Networks of `keras.applications`, up to the average over the last feature maps."""

from functools import partial

import keras

from pipeline.models.backbones import start_backbone
from pipeline.settings.networks import TrainConfig

BUILDERS = {
    "resnet50": keras.applications.ResNet50,
    "efficientnetv2b0": keras.applications.EfficientNetV2B0,
    "efficientnetv2s": keras.applications.EfficientNetV2S,
    "convnexttiny": keras.applications.ConvNeXtTiny,
}


def features(images: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Pixels (B, S, S, 3) of 0 to 255 -> (B, F), F as wide as the network ends."""
    backbone = start_backbone(config, partial(build, config.model, images.shape[1:]))
    if config.model == "resnet50":  # the others scale pixels themselves
        images = CaffePixels()(images)
    return backbone(images)


def build(name: str, shape: tuple[int, int, int], published: bool) -> keras.Model:
    return BUILDERS[name](
        include_top=False,
        weights="imagenet" if published else None,
        input_shape=shape,
        pooling="avg",
    )


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class CaffePixels(keras.layers.Layer):
    """Pixels as the published ResNet50 learned them: blue first, less their means."""

    def call(self, images: keras.KerasTensor) -> keras.KerasTensor:
        return keras.applications.resnet.preprocess_input(
            images, data_format="channels_last"
        )
