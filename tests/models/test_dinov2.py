import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from pipeline.errors import PipelineError
from pipeline.models import dinov2
from tests.networks import assert_survives_saving, build, noise


def build_dinov2(**settings: object) -> keras.Model:
    return build("tiny", 42, model="dinov2", **settings)


def test_dinov2_without_its_package_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "keras_hub.models", None)
    with pytest.raises(PipelineError, match="pip install keras-hub==0.29.1"):
        build_dinov2()


@pytest.fixture
def small_transformer(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("keras_hub")
    sizes = {"num_layers": 2, "hidden_dim": 8, "num_heads": 2, "intermediate_dim": 16}
    sizes["num_register_tokens"] = 4
    monkeypatch.setattr(dinov2, "SIZES", sizes)


@pytest.mark.usefixtures("small_transformer")
def test_dinov2_survives_saving(tmp_path: Path) -> None:
    network = build_dinov2()
    trained = {variable.name for variable in network.trainable_variables}
    assert not trained & {"position_embeddings", "interpolated_position_embeddings"}
    assert_survives_saving(network, noise(2, 42), tmp_path / "model.keras")


@pytest.mark.usefixtures("small_transformer")
def test_the_last_block_is_skipped_by_some_images_in_training(tmp_path: Path) -> None:
    network = build_dinov2(drop_path=0.5)
    (backbone,) = [own for own in network.layers if "dinov2" in own.name]
    same = np.repeat(noise(1, 42), 32, axis=0).astype(np.float32)
    trained = np.array(backbone({"images": same}, training=True))
    # each image skips either part of the second block or not, and none of the first
    assert len(np.unique(trained.round(4), axis=0)) == 4
    assert_survives_saving(network, noise(2, 42), tmp_path / "model.keras")
