import sys
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.settings.backend import start_keras
from pipeline.settings.schema import make_settings
from tests.networks import MEANS, assert_survives_saving, noise

start_keras()

import keras  # noqa: E402

from pipeline.models import dinov2  # noqa: E402
from pipeline.models.network import build_network  # noqa: E402


def build_dinov2() -> keras.Model:
    values = {"train.model": "dinov2", "preprocess.image_size": 42}
    return build_network(make_settings("demo", "tiny", values).train, 42, MEANS)


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
