"""In what precision networks compute: what a setting becomes on this machine."""

from collections.abc import Collection, Iterator
from typing import Any

from pipeline.errors import PipelineError
from pipeline.machine import can_bfloat16, has_bfloat16
from pipeline.settings.backend import backend_name, has_gpu, load_keras

SECTIONS = ("train", "predict")


def settled(section: str, wished: str) -> str:
    """What `train.precision` or `predict.precision` becomes; Keras is loaded.

    Raises:
        PipelineError: the machine has no such precision.
    """
    if wished == "float32":
        return wished
    gpu = has_gpu()
    if wished == "auto":
        # a GPU multiplies float32 by TF32, with no more bits than float16, anyhow; on a
        # CPU, until a finished network was measured to lose nothing by fewer bits
        return "float16" if gpu else "float32"
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
