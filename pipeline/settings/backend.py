"""Keras made ready: our settings, whatever the user's own say; quiet; repeatable."""

import contextlib
import importlib.metadata
import importlib.util
import logging
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

from pipeline.errors import Misuse, PipelineError, typed
from pipeline.files import expanded
from pipeline.machine import instructions
from pipeline.parallel import LAST_WORDS
from pipeline.settings.drawing import start_matplotlib
from pipeline.settings.spelling import nearest
from pipeline.settings.team import join_team
from pipeline.signals import leaving_at_once

BACKENDS = {  # and the release that each was tried with
    "tensorflow": "tensorflow==2.21.0",
    "torch": "torch==2.13.0",
    "jax": "jax==0.10.2",
}
OLDEST_KERAS = "3.4"
OLDEST_MUON = "3.13"  # Keras's before were other ones
# Variables by which a machine is fitted to, not a result: kept, and noted in receipts
KEPT = (
    *("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    *("JAX_PLATFORMS", "XLA_PYTHON_CLIENT_PREALLOCATE"),
)
READ_ALREADY = ("KERAS_BACKEND", "KERAS_HOME")
# Beginnings of variables that change what is computed: left out of account
DROPPED = (
    *("KERAS_", "JAX_", "TF_XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS"),
    *("ONEDNN_", "DNNL_", "TF_CUDNN_", "TF_DETERMINISTIC_OPS", "TF_USE_LEGACY_KERAS"),
    "TF_AUTO_MIXED_PRECISION_",
    *("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"),
)
# With any of these instructions TensorFlow computes by oneDNN unasked
ONEDNN_UNASKED = {"avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile"}
HARMLESS_FLAG = "--xla_gpu_cuda_data_dir="  # of XLA: where a cluster keeps CUDA
LOADED, FAILED = b"\0loaded\0", b"\0failed\0"
CHATTER = b"I0000", b"WARNING: All log messages before absl"
WATCHER = f"""
import os, sys
said = b""
while not said.endswith(({LOADED!r}, {FAILED!r})):
    more = os.read(0, 65536)
    if not more:
        said += sys.argv[1].encode() + {FAILED!r}
    said += more
if said.endswith({FAILED!r}):
    for line in said.removesuffix({FAILED!r}).splitlines(keepends=True):
        if not line.startswith({CHATTER!r}):
            os.write(2, line)
"""
DIED = (
    "error: the process ended while {} was loading; what that said last, if anything, "
    'is above. "./run.sh doctor" looks closer.\n'
)

log = logging.getLogger(__name__)


def backend_name() -> str:
    """The engine that Keras computes with, told without loading it.

    Raises:
        Misuse: the environment names one that networks cannot be trained with.
    """
    name = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if name not in BACKENDS:
        raise Misuse(
            f'KERAS_BACKEND takes {", ".join(BACKENDS)}. Got "{name}". '
            f"{nearest(name, BACKENDS)}".rstrip()
        )
    return name


def check_backend() -> None:
    """Refuses a backend that is not installed, and an old Keras; loads nothing.

    Raises:
        PipelineError: it is not, or Keras is.
    """
    refuse_older_keras(OLDEST_KERAS, "The pipeline")
    name = backend_name()
    if name in sys.modules or importlib.util.find_spec(name):
        return
    install = typed(sys.executable, "-m", "pip", "install", BACKENDS[name])
    otherwise = "" if name == "tensorflow" else ", or unset KERAS_BACKEND"
    raise PipelineError(
        f'Keras needs the package {name}, which is not installed. Run "{install}"'
        f"{otherwise}."
    )


def refuse_older_keras(oldest: str, what: str, otherwise: str = "") -> None:
    """Refuses a Keras that lacks what is needed; loads nothing.

    Args:
        oldest: the first release that has it.
        what: needs it.
        otherwise: what else would help.

    Raises:
        PipelineError: the installed one is older.
    """
    try:
        found = importlib.metadata.version("keras")
    except importlib.metadata.PackageNotFoundError:
        return  # its import will say so
    if release(found) < release(oldest):
        install = typed(sys.executable, "-m", "pip", "install", f"keras>={oldest}")
        raise PipelineError(
            f"{what} needs Keras {oldest} or newer, and this Python has {found}. Run "
            f'"{install}"{otherwise}.'
        )


def release(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:2]]


def start_keras(
    seed: int = 0, deterministic: bool = True, together: bool = False
) -> None:
    """Loads Keras by our settings and fixes its chance.

    Args:
        seed: of initial weights and of all that draws no generator of its own.
        deterministic: whether a GPU computes the same every time.
        together: with the other machines of a team, if it is in one.

    Raises:
        PipelineError: its backend is not there, or does not load.
    """
    load_keras(together)
    import keras

    keras.utils.set_random_seed(seed)
    # a CPU repeats itself anyway, and a third faster without this
    if has_gpu():
        repeat(deterministic)


def load_keras(together: bool = False) -> None:
    """Imports Keras, so that networks come out the same whatever the user's own says.

    Args:
        together: with the other machines of a team, if it is in one.

    Raises:
        PipelineError: its backend is not there, does not load, or is another already.
    """
    name = backend_name()
    if "keras" not in sys.modules:
        check_backend()
        os.environ["KERAS_BACKEND"] = name
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        drop_variables()
        os.environ |= onednn_variables()
        start_matplotlib()  # Keras imports it too
        import_keras(name, together)
    elif not onednn_variables().items() <= os.environ.items():
        os.environ |= onednn_variables()  # what TensorFlow has not read yet
        log.warning(
            "Keras was imported before the pipeline: results may differ in their last "
            "digits from those of ./run.sh"
        )
    import keras

    if keras.config.backend() != name:
        raise PipelineError(
            f"Keras was loaded with the backend {keras.config.backend()}, not {name}. "
            "Set KERAS_BACKEND before Keras is imported."
        )
    set_defaults()


def import_keras(name: str, together: bool = False) -> None:
    try:
        with without_keras_file(), silence(name), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own dependencies, at import
            import keras

            if together:
                join_team()
            keras.ops.zeros(1)  # the devices introduce themselves at their first use
            with contextlib.suppress(ImportError):  # it is seeded, whatever the backend
                import tensorflow  # noqa: F401
            # what it warns of is how we use it: calls that it compiles anew, say
            logging.getLogger("tensorflow").setLevel(logging.ERROR)
    except (ImportError, OSError, RuntimeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise PipelineError(
            f"Keras does not load with the backend {name}: {reason}. Is the package "
            f"{BACKENDS[name]} installed whole, and built for this machine?"
        ) from error


def set_defaults() -> None:
    """What a user's keras.json may say otherwise."""
    import keras

    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")


def has_gpu() -> bool:
    """Whether Keras computes on one; its backend is loaded to tell."""
    name = backend_name()
    if name == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    if name == "torch":
        import torch

        return torch.cuda.is_available()
    import jax

    return jax.default_backend() == "gpu"


def repeat(deterministic: bool) -> None:
    """Makes a GPU compute the same every time, as a resumed training must, or not.

    TensorFlow cannot be told to stop doing so, nor JAX to do so.
    """
    if backend_name() == "torch":
        import torch

        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(deterministic, warn_only=True)
    elif backend_name() == "tensorflow" and deterministic:
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def drop_variables() -> None:
    """Takes what would change results out of the environment, and says so."""
    spared = {*KEPT, *READ_ALREADY}
    dropped = {
        name: os.environ.pop(name)
        for name in sorted(os.environ)
        if name.startswith(DROPPED) and name not in spared
    }
    if flags := drop_flags():
        dropped["XLA_FLAGS"] = flags
    if dropped:
        told = ", ".join(f"{name}={value}" for name, value in dropped.items())
        log.warning("ignored, since results would depend on it: %s", told)


def drop_flags() -> str:
    """Leaves of XLA's flags those that say where CUDA is; returns the others."""
    flags = os.environ.pop("XLA_FLAGS", "").split()
    kept = [flag for flag in flags if flag.startswith(HARMLESS_FLAG)]
    if kept:
        os.environ["XLA_FLAGS"] = " ".join(kept)
    return " ".join(flag for flag in flags if flag not in kept)


def kept_variables() -> dict[str, str]:
    """The variables by which Keras is fitted to the machine, as receipts say."""
    kept = {name: os.environ[name] for name in KEPT if os.environ.get(name)}
    return kept | onednn_variables()


def onednn_variables() -> dict[str, str]:
    """What makes TensorFlow compute by oneDNN where it would not do so unasked.

    It predicts twice as fast then, but results differ in their last digits.
    """
    known = instructions()
    if "avx2" in known and known.isdisjoint(ONEDNN_UNASKED):
        return {"TF_ENABLE_ONEDNN_OPTS": "1"}
    return {}


@contextlib.contextmanager
def without_keras_file() -> Iterator[None]:
    """Lets Keras read no keras.json, and write none, but keep its downloads at home."""
    given = os.environ.get("KERAS_HOME")
    home = expanded(given or "~/.keras")
    with tempfile.TemporaryDirectory() as empty:
        os.environ["KERAS_HOME"] = empty
        try:
            yield
        finally:
            del os.environ["KERAS_HOME"]
            if given is not None:
                os.environ["KERAS_HOME"] = given
    from keras.src.backend import config

    config._KERAS_DIR = str(home)  # it reads this once, at import
    with contextlib.suppress(OSError):  # then it downloads to a temporary folder
        home.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def silence(what: str = "Keras") -> Iterator[None]:
    """Keeps native code, which prints past Python, off standard error.

    What it printed is shown after all where the block fails, or the process ends in it:
    native code ends it without an exception, so that another process has to tell.
    """
    sys.stderr.flush()
    shown = os.dup(2)
    words: list[Any] = [sys.executable, "-I", "-S", "-c", WATCHER, DIED.format(what)]
    watcher = subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)
    os.dup2(watcher.stdin.fileno(), 2)
    ending = LOADED
    quietly = partial(os.write, 2, LOADED)
    LAST_WORDS.append(quietly)

    def aloud_again() -> None:
        quietly()
        os.dup2(shown, 2)

    try:
        with leaving_at_once(aloud_again):
            yield
    except Exception:
        ending = FAILED
        raise
    finally:
        LAST_WORDS.remove(quietly)
        os.write(2, ending)
        os.dup2(shown, 2)
        os.close(shown)
        watcher.stdin.close()
        watcher.wait()
