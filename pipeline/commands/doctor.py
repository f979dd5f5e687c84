"""Whether this machine has what the pipeline needs: one screen, with remedies."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.environment import VARIANT, stamp
from pipeline.errors import PipelineError, typed
from pipeline.kaggle.client import asking, connect
from pipeline.kaggle.credentials import TOKENS, all_credentials, readable_by_others
from pipeline.kaggle.failures import PAGE, RULES, Refused
from pipeline.kaggle.way import check_proxies as refuse_odd_proxies
from pipeline.kaggle.way import kaggle_endpoint, proxies
from pipeline.machine import memory_bytes, num_cores
from pipeline.runs.graph import Run
from pipeline.runs.memory import memory_needed, told_memory
from pipeline.runs.origin import InPlace
from pipeline.runs.preflight import (
    check_before_work,
    refuse_no_temporary_folder,
    told_room,
)
from pipeline.runs.resolve import Resolved
from pipeline.settings.backend import backend_name, check_backend
from pipeline.settings.schema import KaggleConfig
from pipeline.sources.everything import find_everything
from pipeline.sources.folder import FILES, find_file, find_files
from pipeline.sources.integrity import check_together

EXAMPLE = "./run.sh doctor --source kaggle"
STAGES = ("download", "preprocess", "train", "predict", "export")
PYTHONS = ((3, 11), (3, 13))
QUICK = KaggleConfig(connect_timeout=5, stall_timeout=10, max_attempts=1)
TENSORFLOW = """
import json, tensorflow as tf
build = tf.sysconfig.get_build_info()
print(json.dumps({
    "version": tf.__version__,
    "cuda": build.get("cuda_version") if build["is_cuda_build"] else None,
    "gpus": len(tf.config.list_physical_devices("GPU")),
}))
"""


@dataclass(frozen=True)
class Finding:
    """One line of the screen; STOP is what would stop `all`."""

    state: Literal["ok", "note", "STOP"]
    what: str
    found: str
    remedy: str = ""


def doctor(run: Run) -> list[Finding]:
    """Looks at the machine and at the way to Kaggle; changes nothing."""
    machine = [check_python(), check_temporary_folder()]
    if machine[-1].state == "ok":  # without one, TensorFlow could not load either
        machine.append(check_tensorflow())
    machine += [find_backend(), check_cores(), check_memory(run)]
    try:
        of_source = [check_source(run), check_disk(run)]
    except PipelineError as error:  # a folder without the files
        of_source = [Finding("STOP", "source", run.settings.source, str(error))]
    return machine + of_source + check_way(run)


def gather(resolved: Resolved, options: argparse.Namespace) -> dict[str, Any]:
    return {"findings": [asdict(finding) for finding in doctor(resolved.run)]}


def describe(facts: dict[str, Any]) -> str:
    """A line for each finding, and one below for its remedy."""
    findings = facts["findings"]
    width = max(len(finding["what"]) for finding in findings)
    lines = []
    for finding in findings:
        start = f"{finding['state']:4}  {finding['what']:{width}}  "
        lines.append(start + finding["found"])
        if finding["remedy"]:
            lines.append(" " * len(start) + f"-> {finding['remedy']}")
    return "\n".join(lines)


def refuse(facts: dict[str, Any]) -> None:
    """Raises PipelineError where something would stop a run."""
    stopping = sum(finding["state"] == "STOP" for finding in facts["findings"])
    if stopping:
        raise PipelineError(
            f'{stopping} of these would stop "./run.sh all"; each STOP line says what '
            "to do."
        )


def check_python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        return Finding("ok", "Python", version)
    return Finding("STOP", "Python", version, "Install Python 3.11, 3.12 or 3.13.")


def check_temporary_folder() -> Finding:
    try:
        refuse_no_temporary_folder()
    except PipelineError as error:
        return Finding("STOP", "temporary", "none", str(error))
    return Finding("ok", "temporary", tempfile.gettempdir())


def check_tensorflow() -> Finding:
    """In a process of its own, since a broken build may take its process along."""
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", TENSORFLOW],
            capture_output=True,
            text=True,
            env=quiet,
            timeout=180,
            check=False,
        )
        build = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        found = "does not load within 180 s"
        return Finding("STOP", "TensorFlow", found, "Is the machine overloaded?")
    except (ValueError, IndexError):
        reason = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        found = f"cannot be loaded: {reason[-1]}"
        return Finding("STOP", "TensorFlow", found, install_again())
    kind = f"built for CUDA {build['cuda']}" if build["cuda"] else "built for the CPU"
    found = f"{build['version']}, {kind}, {build['gpus'] or 'no'} GPU"
    if not build["gpus"] and shutil.which("nvidia-smi"):
        return Finding("note", "TensorFlow", found, use_gpu())
    return Finding("ok", "TensorFlow", found)


def find_backend() -> Finding:
    try:
        check_backend()
    except PipelineError as error:
        named = os.environ.get("KERAS_BACKEND", "tensorflow")
        return Finding("STOP", "backend", named, str(error))
    return Finding("ok", "backend", backend_name())


def install_again() -> str:
    """How to have looked at what is installed, all of it, and mended."""
    tested = stamp(Path(sys.prefix), "requirements.txt")
    if tested.exists():
        forget = typed("rm", str(tested))
        return f'Run "{forget} && ./run.sh doctor", which installs what is damaged.'
    return "Install what requirements.txt lists; ./run.sh does so."


def use_gpu() -> str:
    if os.environ.get(VARIANT) == "gpu":
        return "Does nvidia-smi list a GPU, and is its driver made for CUDA 12?"
    return f'To use an NVIDIA GPU, run "{VARIANT}=gpu ./run.sh doctor".'


def check_cores() -> Finding:
    return Finding("ok", "cores", f"{num_cores()} of {os.cpu_count()} usable")


def check_memory(run: Run) -> Finding:
    """What a run takes, and whether it leaves as much again to others."""
    total, needed = memory_bytes(), memory_needed(run.settings)
    found = told_memory(run.settings, total)
    if needed is None or 2 * needed <= total:
        return Finding("ok", "memory", found)
    remedy = "Close other programs, lower train.batch_size, or take --preset compact."
    return Finding("STOP" if needed > total else "note", "memory", found, remedy)


def check_disk(run: Run) -> Finding:
    """What `all` looks at before its work."""
    found = told_room(run, STAGES)
    try:
        notes = [*check_before_work(run, STAGES)]
    except PipelineError as error:
        return Finding("STOP", "disk", found, str(error))
    return Finding("note" if notes else "ok", "disk", found, *notes)


def check_source(run: Run) -> Finding:
    """What download would say of the files, where they are there already."""
    source, state = run.settings.source, run.raw.state
    found, notes = f"{source} ({run.raw.folder} is {state})", []
    if isinstance(run.raw, InPlace) and not run.raw.fetched:
        if state == "done" and not run.raw.present:
            found = f"{source} is gone; what was made from it is not"
            return Finding("note", "source", found)
        if state != "done" and not find_everything(run.raw.source):
            notes = [*check_together(find_files(run.raw.source))]
    return Finding("note" if notes else "ok", "source", found, " ".join(notes))


def needs_kaggle(run: Run) -> bool:
    """Whether `all` would have to fetch something."""
    here = all(find_file(run.raw.folder, name) for name in FILES.values())
    return run.settings.source == "kaggle" and not here


def check_way(run: Run) -> list[Finding]:
    """The credentials are those of the file only if Kaggle takes them."""
    credentials, proxy = check_credentials(run), check_proxies(run)
    try:
        kaggle = check_kaggle(run)
    except Refused as error:
        state = "STOP" if needs_kaggle(run) else "note"
        credentials = Finding(state, "credentials", str(error))
        kaggle = Finding(state, "Kaggle", "answers, and refuses the credentials")
    return [credentials, proxy, kaggle]


def check_credentials(run: Run) -> Finding:
    try:
        found = all_credentials()
    except PipelineError as error:
        state = "STOP" if needs_kaggle(run) else "note"
        return Finding(state, "credentials", str(error))
    if found:
        others = f" (before {', '.join(found[1:])})" if found[1:] else ""
        open_ones = " ".join(readable_by_others())
        state = "note" if open_ones else "ok"
        return Finding(state, "credentials", found[0] + others, open_ones)
    text = (
        f"Make a token at {TOKENS} and put it in "
        "KAGGLE_API_TOKEN or ~/.kaggle/access_token; the demo sky needs none."
    )
    state = "STOP" if needs_kaggle(run) else "note"
    return Finding(state, "credentials", "none for Kaggle", text)


def check_proxies(run: Run) -> Finding:
    named = proxies()
    try:
        refuse_odd_proxies()
    except PipelineError as error:
        state = "STOP" if needs_kaggle(run) else "note"
        return Finding(state, "proxies", named.strip("()"), str(error))
    return Finding("ok", "proxies", named.strip("()") if "=" in named else "none set")


def check_kaggle(run: Run) -> Finding:
    """Asks for the list of files; without credentials, whether anybody is there."""
    state = "STOP" if needs_kaggle(run) else "note"
    try:
        if all_credentials():
            kaggle = connect(QUICK)
            listed = kaggle.file_sizes()
            if not listed:
                return Finding(state, "Kaggle", "lists no files", f"See {PAGE}/data.")
            kaggle.open_file(min(listed, key=listed.get), 0).close()
            return Finding("ok", "Kaggle", "answers, and gives access to the files")
        with asking("an answer", "no credential", QUICK):
            import requests

            refuse_odd_proxies()
            requests.get(kaggle_endpoint(), stream=True).close()
    except Refused:
        raise
    except PipelineError as error:
        return Finding(state, "Kaggle", str(error), needed(state))
    text = f"Its files also need the rules accepted once, at {RULES}."
    return Finding("note", "Kaggle", "answers; not logged in", text)


def needed(state: str) -> str:
    if state == "STOP":
        return "The download needs it."
    return f"Needed for downloads from and uploads to {PAGE} only."
