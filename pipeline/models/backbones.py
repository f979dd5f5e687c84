"""Where a backbone's first weights come from: chance, ImageNet or a file."""

import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import keras

from pipeline.errors import PipelineError
from pipeline.settings.networks import TrainConfig

UNREADABLE = (  # what Keras, h5py and zipfile raise at a damaged or foreign file
    *(ValueError, TypeError, AttributeError, LookupError, OSError, RuntimeError),
    *(EOFError, ImportError, zipfile.BadZipFile, zlib.error),
)


def start_backbone(
    config: TrainConfig, build: Callable[[bool], keras.Model]
) -> keras.Model:
    """Builds a backbone with the weights that `config.weights` asks for.

    Args:
        config: which backbone, and what it starts from.
        build: makes it, with the published weights if called with True.

    Raises:
        PipelineError: the weights cannot be fetched, or are not in the file.
    """
    if config.weights == "imagenet":
        return fetch(config, build)
    backbone = build(False)
    if config.weights_file is not None:
        load(config.weights_file, config.model, backbone)
    return backbone


def fetch(config: TrainConfig, build: Callable[[bool], keras.Model]) -> keras.Model:
    try:
        return build(True)
    except PipelineError:
        raise
    except Exception as error:  # Keras's downloader raises nothing narrower
        raise PipelineError(
            f"The published weights of {config.model} could not be fetched "
            f"({str(error).splitlines()[0]}). With a file of them at hand, set "
            "train.weights=FILE; to begin with random weights, train.weights=none."
        ) from error


def load(file: Path, model: str, backbone: keras.Model) -> None:
    """Gives the backbone the weights of a file; batch statistics are among them."""
    if not file.is_file():
        raise PipelineError(f"train.weights names {file}, which is not a file.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # of layers left untouched
            backbone.load_weights(file)
    except (*UNREADABLE, UserWarning) as error:
        raise PipelineError(
            f"{file} does not hold the weights of a {model} without its top."
        ) from error
