"""EfficientNet-Lite0 of ours and of timm, a burst of steps each; speeds in images/s.

Each is built at its first burst, in the process that measures it.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from pipeline.machine import num_cores
from pipeline.settings.schema import make_settings
from tests.benchmarks.measuring import seconds_of
from tests.miniature import some_fractions

SIZE = 96  # px
FITTED, PREDICTED = 32, 256  # images in a step
STEPS = {"train": 8, "predict": 2}  # in a burst
Step = Callable[[], object]


def ours(task: str) -> float:
    """Images/s of our network, as the preset cpu trains and predicts."""
    return burst(task, our_step(task))


def timms(task: str, precision: str) -> float:
    """Images/s of timm's, without batch normalisation, in PyTorch."""
    return burst(task, timms_step(task, precision))


def burst(task: str, step: Step) -> float:
    num_steps = STEPS[task]
    seconds = seconds_of(lambda: [step() for _ in range(num_steps)])
    return num_steps * batch_size(task) / seconds


def batch_size(task: str) -> int:
    return FITTED if task == "train" else PREDICTED


def some_images(task: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (batch_size(task), SIZE, SIZE, 3), np.uint8)


@cache
def our_step(task: str) -> Step:
    from pipeline.settings.backend import start_keras

    start_keras()
    from pipeline.models.network import build_network
    from pipeline.models.precision import computing
    from pipeline.settings.epochs import Epochs
    from pipeline.settings.precision import settled
    from pipeline.training.losses import build_loss
    from pipeline.training.optimizers import build_optimizer

    config = make_settings("demo", "cpu", {"train.weights": "none"}).train
    images, targets = some_images(task), some_fractions(FITTED).astype(np.float32)
    network = build_network(config, SIZE, targets.mean(axis=0))
    if task == "predict":
        precision = settled("predict", "auto")

        def predict() -> np.ndarray:
            with computing(network, precision):
                return network.predict_on_batch(images)

        return predict
    network.compile(
        build_optimizer(config, Epochs(config.epochs), 1000), build_loss(config)
    )
    return lambda: network.train_on_batch(images, targets)


@cache
def timms_step(task: str, precision: str) -> Step:
    import torch

    torch.set_num_threads(num_cores())
    network, dtype = build_timms(), getattr(torch, precision)
    images = torch.from_numpy(some_images(task))
    if task == "predict":
        network = network.eval().to(dtype)

        def predict() -> np.ndarray:
            with torch.inference_mode():
                return network(channels_last(images).to(dtype)).float().numpy()

        return predict
    return training_step(network, images, dtype)


def build_timms() -> "torch.nn.Module":  # noqa: F821
    """timm's network, each batch normalisation replaced by the activation behind it."""
    import torch

    prepare_torchvision()
    import timm

    network = timm.create_model("efficientnet_lite0", num_classes=37)
    for name, layer in [*network.named_modules()]:
        if isinstance(layer, torch.nn.BatchNorm2d):
            network.set_submodule(name, layer.act)
    return network.to(memory_format=torch.channels_last)


def prepare_torchvision() -> None:
    """Lets timm import torchvision, of which it takes nothing here that is compiled."""
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:  # pip brings one for CUDA, also beside a torch for the CPU
        for name in ("nms", "qnms"):
            words = "(Tensor boxes, Tensor scores, float threshold) -> Tensor"
            torch.library.define(f"torchvision::{name}", words)


def channels_last(images: "torch.Tensor") -> "torch.Tensor":  # noqa: F821
    """Pixels (B, S, S, 3) -> (B, 3, S, S) that lie in memory as they did, scaled."""
    return images.permute(0, 3, 1, 2).float() / 128 - 1


def training_step(
    network: "torch.nn.Module",  # noqa: F821
    images: "torch.Tensor",  # noqa: F821
    dtype: "torch.dtype",  # noqa: F821
) -> Step:
    import torch

    targets = torch.from_numpy(some_fractions(FITTED).astype(np.float32))
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    mixed = torch.autocast("cpu", dtype, enabled=dtype != torch.float32)

    def step() -> float:
        with mixed:
            predicted = network(channels_last(images))
        loss = torch.nn.functional.mse_loss(predicted.float().sigmoid(), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
