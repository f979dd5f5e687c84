"""The small CNN of the course report that this project starts from.

Source: Sirressi 2020: trained there for three classes, and for 37 fractions.
"""

import keras
from keras import layers

from pipeline.settings.networks import TrainConfig

NUM_FILTERS = 10


def features(images: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Pixels (B, S, S, 3) of 0 to 255 -> (B, 128)."""
    return trunk(images)


def build_classifier(image_size: int) -> keras.Model:
    """(B, S, S, 3) uint8 -> (B, 3) probabilities."""
    images = keras.Input((image_size, image_size, 3), name="images")
    return keras.Model(images, layers.Dense(3, activation="softmax")(trunk(images)))


def trunk(images: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.Rescaling(1 / 255)(images)
    x = layers.Conv2D(NUM_FILTERS, 7, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(4)(x)
    x = layers.Conv2D(NUM_FILTERS, 5, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    return layers.Dense(128, activation="relu")(x)
