"""What a network costs: the multiply-adds of its products, counted on its graph."""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf


def count_multiply_adds(network: keras.Model) -> int:
    """The multiply-adds of one image through the network.

    Counted on the traced operations, whatever layers they come from: parts of an image
    that go through a convolution as a batch count each, a kernel that is made from
    another counts as large as it is made. Only convolutions and matrix products count;
    what is left of a network is small beside them.

    Args:
        network: (B, S, S, 3) -> (B, 37), B free.

    Raises:
        ValueError: a product whose shape is not fixed by that of the image, or a loop
            or branch, which may hold any number of them.
    """
    image = tf.TensorSpec((1, *network.input_shape[1:]), tf.float32)
    traced = tf.function(lambda images: network(images, training=False))
    with functions_unfolded():
        graph = traced.get_concrete_function(image).graph
    return sum(multiply_adds(operation) for operation in graph.get_operations())


@contextlib.contextmanager
def functions_unfolded() -> Iterator[None]:
    """Traces a function within a function as a part of it.

    Keras's grouped convolution is one; its operations would be in another graph.
    """
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def multiply_adds(operation: tf.Operation) -> int:
    """Those of one operation: what each element of its output sums, times these."""
    if operation.type in FOLDED:
        raise ValueError(f"expected no loop or branch, got {operation}")
    if operation.type not in SUMMED:
        return 0
    summed = SUMMED[operation.type](operation)
    elements = operation.outputs[0].shape.num_elements()
    if summed is None or elements is None:
        raise ValueError(f"expected fixed shapes, got {operation}")
    return summed * elements


def of_convolution(operation: tf.Operation) -> int | None:
    """The kernel is (height, width, channels of a group, filters)."""
    return operation.inputs[1].shape[:-1].num_elements()


def of_depthwise_convolution(operation: tf.Operation) -> int | None:
    """The kernel is (height, width, channels, filters of a channel)."""
    return operation.inputs[1].shape[:2].num_elements()


def of_product(operation: tf.Operation) -> int | None:
    """(..., rows, summed) times (..., summed, columns)."""
    return operation.inputs[0].shape[-2 if operation.get_attr("transpose_a") else -1]


def of_batched_product(operation: tf.Operation) -> int | None:
    return operation.inputs[0].shape[-2 if operation.get_attr("adj_x") else -1]


FOLDED = {  # operations that hold a graph of their own
    *("PartitionedCall", "StatefulPartitionedCall"),
    *("While", "StatelessWhile", "If", "StatelessIf", "Case", "StatelessCase"),
}
SUMMED = {  # by the operation's type
    "Conv2D": of_convolution,
    "DepthwiseConv2dNative": of_depthwise_convolution,
    "MatMul": of_product,
    "BatchMatMul": of_batched_product,
    "BatchMatMulV2": of_batched_product,
    "BatchMatMulV3": of_batched_product,
}
