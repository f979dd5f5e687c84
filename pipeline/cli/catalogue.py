"""Every command: where it lives, what it is for, and whose settings it reads."""

import importlib
from types import ModuleType

from pipeline.runs.paths import PROJECT
from pipeline.settings.schema import SECTIONS, WITHOUT_SECTION

STAGES = ("download", "preprocess", "train", "predict", "export")  # in running order
IN_PARTS = ("preprocess", "predict")  # can be done by several machines
ON_CLUSTER = (*IN_PARTS, "train", "predict-images")
BESIDE = ("classify", "report")  # make an artifact of their own
READERS = (  # leave the artifacts as they are, and never wait for who makes them
    *("status", "runs", "compare", "settings", "verify", "score"),
    *("upload", "leaderboard", "show", "doctor", "predict-images"),
)
COMMANDS = ("all", *STAGES, *BESIDE, *READERS, "clean", "completion")
WITHOUT_RUN = ("compare", "completion")  # take no work directory
# compute with a network
WITH_KERAS = ("all", "train", "predict", "classify", "report", "show", "predict-images")
# in the order in which one needs another, each with the sections that are its own
OWN_SECTIONS = {
    "download": ("demo", "kaggle"),
    "preprocess": ("preprocess",),
    "train": ("train", "partner"),
    "predict": ("predict",),
    "export": ("export",),
    "classify": ("classify",),
    "report": ("report",),
}
NOT_FOR_CLASSES = "export"  # comes before classify in that order, and is not needed
EXAMPLES = {  # of what has no module among the commands
    "all": "./run.sh all --source kaggle",
    "download": "./run.sh download --source kaggle",
    "preprocess": "./run.sh preprocess --preprocess.image_size 64",
    "train": "./run.sh train --train.epochs 60",
    "predict": "./run.sh predict --predict.num_zooms 5",
    "export": "./run.sh export --export.name mine",
}
ALL = "all five stages and the report, each only where something is to be made"


def module_name(command: str) -> str:
    if command == "completion":
        return "pipeline.cli.completion"
    room = "stages" if command in STAGES else "commands"
    return f"pipeline.{room}.{command.replace('-', '_')}"


def module_of(command: str) -> ModuleType | None:
    """The module of a command; `all` has none of its own."""
    return None if command == "all" else importlib.import_module(module_name(command))


def summary(command: str) -> str:
    """The first line of the module's docstring, read without loading the module."""
    if command == "all":
        return ALL
    file = PROJECT / f"{module_name(command).replace('.', '/')}.py"
    with open(file, encoding="utf-8") as lines:
        return next(lines).strip().strip('"').rstrip(".")


def own_sections(command: str) -> tuple[str, ...]:
    """The sections of settings that a command saves."""
    everything = (*SECTIONS, *WITHOUT_SECTION)
    return everything if command == "all" else OWN_SECTIONS.get(command, ())


def accepted_sections(command: str) -> tuple[str, ...]:
    """Those that it takes: its own, and those of all stages before."""
    if command not in OWN_SECTIONS:
        return (*SECTIONS, *WITHOUT_SECTION)
    order = list(OWN_SECTIONS)
    needed = order[: order.index(command) + 1]
    if command == "classify":
        needed.remove(NOT_FOR_CLASSES)
    return tuple(section for name in needed for section in OWN_SECTIONS[name])


def owner(section: str) -> str:
    """The command whose own a section is."""
    return next(name for name, own in OWN_SECTIONS.items() if section in own)
