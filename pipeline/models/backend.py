"""Keras made ready: quiet, and the same numbers every time."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator


def backend_name() -> str:
    """The engine that Keras will compute with, told without loading it."""
    return os.environ.get("KERAS_BACKEND", "tensorflow")


def start_keras(seed: int = 0) -> None:
    """Imports Keras and fixes its chance; call before anything else imports it.

    Args:
        seed: of initial weights and of all that draws no generator of its own.
    """
    os.environ["KERAS_BACKEND"] = backend_name()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silence(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies, at import
        import keras

        keras.ops.zeros(1)  # the devices introduce themselves at their first use
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # An interrupted run must end with the weights of an undisturbed one. A CPU
        # computes the same every time anyway, and a third faster without this.
        if tf.config.list_physical_devices("GPU"):
            tf.config.experimental.enable_op_determinism()


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keeps native code, which prints past Python, off standard error."""
    sys.stderr.flush()
    shown = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(shown, 2)
        os.close(shown)
