import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.src.applications.resnet import ResNet, stack_residual_blocks_v1

from pipeline.errors import PipelineError
from pipeline.models import applications
from pipeline.models.network import FAMILIES
from pipeline.runs.graph import Run
from pipeline.settings.networks import BACKBONES
from tests.miniature import with_train
from tests.networks import assert_survives_saving, build_small, noise


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
    with pytest.raises(PipelineError, match=r"names /none.keras, which is not a file"):
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


def test_weights_count_by_their_content(run: Run, tmp_path: Path) -> None:
    file, copy = tmp_path / "a.h5", tmp_path / "b.h5"
    preprocess = dataclasses.replace(run.settings.preprocess, image_size=32)
    larger = Run(dataclasses.replace(run.settings, preprocess=preprocess), run.work)

    def settings(path: Path) -> dict[str, object]:
        started = with_train(larger, model="resnet50", weights=str(path))
        return started.members[0].settings

    with pytest.raises(PipelineError, match=r"train.weights names .*a.h5, which is no"):
        settings(file)
    file.write_bytes(b"first")
    copy.write_bytes(b"first")
    first = settings(file)
    assert first == settings(copy)
    file.write_bytes(b"another")
    assert settings(file) != first


@pytest.mark.usefixtures("small_backbone")
def test_a_damaged_file_of_weights_is_refused_in_a_line(tmp_path: Path) -> None:
    whole = weights_file(tmp_path / "whole.keras").read_bytes()
    file = tmp_path / "start.keras"
    for content in (whole[: len(whole) // 2], b"PK\3\4", b""):
        file.write_bytes(content)
        with pytest.raises(PipelineError) as refusal:
            build_small(model="resnet50", weights=str(file))
        assert str(refusal.value) == (
            f"{file} does not hold the weights of a resnet50 without its top."
        )
