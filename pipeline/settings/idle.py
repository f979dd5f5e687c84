"""Settings that would do nothing beside the others: refused, not passed over."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pipeline.errors import Misuse
from pipeline.settings.presets import PRESETS

# of the other architectures, Muon's matrices are none, or too large to be worth it
FOR_MUON = ("compact", "convnexttiny", "dinov2")

LOST = 3e-8  # as a share of a weight, of float32


class Use(NamedTuple):
    """When a setting does something.

    Attributes:
        setting: its `section.name`.
        holds: whether it does, by its section.
        needed: what that takes, in words.
    """

    setting: str
    holds: Callable[[Any], bool]
    needed: str


def uses_of_network(section: str) -> tuple[Use, ...]:
    """Those of the settings that each kind of network has of its own."""
    compact = f"{section}.model=compact"
    return (
        *(
            Use(f"{section}.{name}", lambda it: it.model == "compact", compact)
            for name in ("block_size", "width", "num_levels", "equivariant")
        ),
        Use(
            f"{section}.weight_decay",
            lambda it: it.optimizer != "adam",
            f"another {section}.optimizer than adam",
        ),
        Use(
            f"{section}.weight_decay",
            lambda it: not 0 < it.weight_decay * it.learning_rate < LOST,
            f"a product with {section}.learning_rate of {LOST} or more",
        ),
    )


USES = (
    *uses_of_network("train"),
    *uses_of_network("partner"),
    Use("train.huber_delta", lambda it: it.loss == "huber", "train.loss=huber"),
    Use("train.reweight_from", lambda it: it.reweight, "train.reweight=true"),
    Use(
        "train.validation_fraction",
        lambda it: it.num_folds == 1,
        "train.num_folds=1",
    ),
    Use("predict.zoom", lambda it: it.num_zooms > 1, "predict.num_zooms above 1"),
)


def idle(settings: Any, wished: Mapping[str, Any]) -> Iterator[str]:
    """What to say of each setting that somebody wished for, and that does nothing.

    The default's or the preset's value is nobody's wish, and may stand.

    Args:
        settings: all of a run.
        wished: values by `section.name`.
    """
    preset = PRESETS[settings.preset]
    if settings.source != "demo":
        for key in wished:
            if key.startswith("demo."):
                yield f"{key} does nothing without --source demo. Leave it out."
    if settings.minutes and "train.num_seeds" in wished:
        yield (
            "train.num_seeds does nothing beside minutes, which decide how many "
            "networks there are. Leave one of the two out."
        )
    alone = not settings.partner.num_seeds
    for key, value in wished.items() if alone else ():
        if key.startswith("partner.") and key != "partner.num_seeds":
            yield does_nothing(key, value, "partner.num_seeds above 0")
    for use in USES:
        section, _, name = use.setting.partition(".")
        config = getattr(settings, section)
        if use.setting not in wished or use.holds(config):
            continue
        usual = preset.get(use.setting, getattr(type(config), name))
        if wished[use.setting] != usual and not (alone and section == "partner"):
            yield does_nothing(use.setting, wished[use.setting], use.needed)


def does_nothing(key: str, value: Any, needed: str) -> str:
    return (
        f"{key}={value} does nothing without {needed}. Leave it out, or set that with "
        "it."
    )


def refuse_muon(network: Any) -> None:
    """Refuses Muon for networks whose steps it would leave to AdamW."""
    if network.optimizer == "muon" and network.model not in FOR_MUON:
        own = network.section
        raise Misuse(
            f"{own}.optimizer=muon is for {', '.join(FOR_MUON)}. Got {own}.model="
            f"{network.model}: set {own}.optimizer=adamw with it."
        )


def refuse_no_reweighting(train: Any, section: str = "train") -> None:
    """Refuses a training that would be over before galaxies are reweighted.

    Args:
        train: the settings of a kind of network.
        section: where those of its own are.

    Raises:
        Misuse: it would be.
    """
    first = first_reweighted(train)
    if train.reweight and first >= train.epochs:
        raise Misuse(
            f"train.reweight would begin after epoch {first} of {train.epochs}. Raise "
            f"{section}.epochs, lower train.reweight_from, or set train.reweight=false."
        )


def first_reweighted(config: Any) -> int:
    """How many epochs are over when galaxies are reweighted, 1 at least."""
    return max(1, round(config.reweight_from * config.epochs))
