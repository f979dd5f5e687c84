"""From what was typed, and what the work directory remembers, to a run's settings."""

import logging
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.files import read_json, write_json
from pipeline.runs.graph import Run
from pipeline.runs.paths import PROJECT, WorkDir
from pipeline.settings.parsing import checked
from pipeline.settings.schema import make_settings
from pipeline.sources.choose import choose_source, source_name

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Typed:
    """The common options as given; None or empty where they were not."""

    work: str | None = None
    source: str | None = None
    preset: str | None = None
    file_values: dict[str, Any] | None = None
    set_values: dict[str, Any] | None = None


def settle(typed: Typed) -> Run:
    """Settles the settings and the work directory of a command.

    A work directory remembers its source, its preset and what was set, so that one
    stage can be run again without repeating them. A preset that is given anew starts
    afresh; otherwise the order is preset, remembered, file, set.

    Raises:
        PipelineError: a value that cannot be, or a directory of another source.
    """
    work = WorkDir(Path(typed.work).absolute()) if typed.work else None
    if work and work.root.exists() and not work.root.is_dir():
        raise PipelineError(f"--work takes a folder. {work.root} is a file.")
    kept = remembered(work) if work else {}
    source, why = choose_source(typed.source or kept.get("source") or "auto")
    if why:
        log.warning(why)
    if work is None:
        work = WorkDir(PROJECT / "work" / source_name(source))
        kept = remembered(work)
    if kept and kept["source"] != source:
        raise PipelineError(
            f"{work.root} holds a run on {kept['source']}, not on {source}. "
            "Give each source its own --work folder."
        )
    preset = typed.preset or kept.get("preset") or default_preset()
    values = {} if typed.preset else dict(kept.get("set", {}))
    if values:
        told = ", ".join(f"{key}={value}" for key, value in values.items())
        log.info("%s keeps %s; --preset starts afresh", work.root.name, told)
    values |= (typed.file_values or {}) | (typed.set_values or {})
    return Run(make_settings(source, preset, values), work)


def remembered(work: WorkDir) -> dict[str, Any]:
    """The settings of the directory's last run; empty if there was none."""
    kept = read_json(work.settings)
    if kept is None:
        return {}
    kept["set"] = {key: checked(key, value) for key, value in kept["set"].items()}
    return kept


def remember(run: Run, typed: Typed) -> None:
    """Lets the directory know what it is being filled with."""
    kept = read_json(run.work.settings) or {}
    earlier = {} if typed.preset else kept.get("set", {})
    values = earlier | (typed.file_values or {}) | (typed.set_values or {})
    settings = {
        "source": run.settings.source,
        "preset": run.settings.preset,
        "set": values,
    }
    if settings != kept:
        write_json(run.work.settings, settings)


def default_preset() -> str:
    """gpu where an NVIDIA GPU answers, else cpu."""
    if not shutil.which("nvidia-smi"):
        return "cpu"
    answer = subprocess.run(["nvidia-smi", "-L"], capture_output=True, check=False)
    return "gpu" if answer.returncode == 0 and b"GPU" in answer.stdout else "cpu"
