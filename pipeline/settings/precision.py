"""In what precision networks compute: what a setting becomes on this machine."""

from collections.abc import Collection, Iterator
from typing import Any

from pipeline.errors import PipelineError
from pipeline.machine import can_bfloat16, has_bfloat16
from pipeline.settings.backend import backend_name, has_gpu, load_keras

SECTIONS = ("train", "predict")
# networks whose training was measured to gain by bfloat16, and to lose nothing; the
# depthwise convolutions of others have no fast kernels for their gradients
TRAINED_FASTER = {"compact"}


def settled(section: str, wished: str, model: str = "") -> str:
    """What `train.precision` or `predict.precision` becomes; Keras is loaded.

    Args:
        section: "train" or "predict".
        wished: the word that was set.
        model: what is trained, where it is.

    Raises:
        PipelineError: the machine has no such precision.
    """
    if wished == "float32":
        return wished
    gpu = has_gpu()
    if wished == "auto":
        # a GPU multiplies float32 by TF32, with no more bits than float16, anyhow
        return "float16" if gpu else quickest_of_cpu(section, model)
    if wished == "float16" and not gpu:
        raise PipelineError(
            f"{section}.precision=float16 is for GPUs, and Keras finds none here. Set "
            f"{section}.precision to auto, bfloat16 or float32."
        )
    lacking = not gpu and backend_name() == "tensorflow" and not can_bfloat16()
    if wished == "bfloat16" and lacking:
        raise PipelineError(
            f"{section}.precision=bfloat16 needs a processor with AVX-512, or a GPU. "
            f"Set {section}.precision to auto or float32."
        )
    return wished


def quickest_of_cpu(section: str, model: str) -> str:
    """What is fastest on this CPU, and was measured to cost no accuracy."""
    gains = section == "predict" or model in TRAINED_FASTER
    native = backend_name() == "tensorflow" and has_bfloat16()
    return "bfloat16" if gains and native else "float32"


def check_precision(settings: Any, stages: Collection[str]) -> Iterator[str]:
    """Looks at what was typed for stages to come; loads Keras only where it must.

    Yields:
        What will be slow, a line each.

    Raises:
        PipelineError: the machine has no such precision.
    """
    for section in SECTIONS:
        wished = getattr(settings, section).precision
        if section not in stages or wished in ("auto", "float32"):
            continue
        load_keras(together="train" in stages)
        if settled(section, wished) == "bfloat16" and not (has_gpu() or has_bfloat16()):
            yield (
                f"{section}.precision=bfloat16 is slower than float32 here: this "
                "processor has no instructions for it"
            )
