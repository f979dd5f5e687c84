"""The small CNN of the course report that this project starts from: three classes."""

import keras
from keras import layers

NUM_FILTERS = 10


def build_classifier(image_size: int) -> keras.Model:
    """(B, S, S, 3) uint8 -> (B, 3) probabilities."""
    images = keras.Input((image_size, image_size, 3), name="images")
    x = layers.Rescaling(1 / 255)(images)
    x = layers.Conv2D(NUM_FILTERS, 7, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(4)(x)
    x = layers.Conv2D(NUM_FILTERS, 5, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu")(x)
    return keras.Model(images, layers.Dense(3, activation="softmax")(x))
