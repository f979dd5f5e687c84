"""Networks that compute in fewer bits for the time of a block.

Products are computed so, the head and the loss are not; the weights stay float32, and
a saved network is the same whatever it computed in.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import keras

from pipeline.models.heads import HEAD_LAYERS
from pipeline.settings.backend import backend_name, has_gpu

REWRITE = "auto_mixed_precision_onednn_bfloat16"  # of TensorFlow, for CPUs
# Kept from it: products of the head and the loss; and gradients of depthwise
# convolutions, for which there is no fast kernel
UNTOUCHED = (
    "MatMul,DepthwiseConv2dNativeBackpropFilter,DepthwiseConv2dNativeBackpropInput"
)
VARIABLES = {
    f"TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_{name}": UNTOUCHED
    for name in ("ALLOWLIST_REMOVE", "DENYLIST_ADD")
}


@contextmanager
def computing(network: keras.Model, precision: str) -> Iterator[None]:
    """Lets a network compute in a precision: float32, bfloat16 or float16."""
    if precision == "float32":
        yield
    elif backend_name() == "tensorflow" and not has_gpu():
        with rewritten_graphs():  # twice as fast as what Keras would do
            yield
    else:
        set_policy(network, f"mixed_{precision}")
        try:
            yield
        finally:
            set_policy(network, "float32")


@contextmanager
def rewritten_graphs() -> Iterator[None]:
    """Lets TensorFlow compute graphs in bfloat16, those of earlier calls too."""
    import tensorflow as tf

    os.environ |= VARIABLES  # read whenever a graph is rewritten
    tf.config.optimizer.set_experimental_options({REWRITE: True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({REWRITE: False})
        for name in VARIABLES:
            os.environ.pop(name, None)  # another network may have been within


def set_policy(network: keras.Model, policy: str) -> None:
    """Lets all layers but those of the head compute by a policy of Keras."""
    for layer in network._flatten_layers():
        if layer.name not in HEAD_LAYERS:
            layer.dtype_policy = policy
    network.predict_function = None  # one that was compiled before stays as it was
