"""The commands of README and docs, run as they stand, on fewer galaxies and epochs."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.kaggle_shell import PROXIES
from tests.kaggle_stand_in import TOKEN, StandIn
from tests.test_docs import PROJECT, README, commands

PAGES = (
    README,
    *(
        PROJECT / "docs" / f"{name}.md"
        for name in ("kaggle", "course-report", "backends")
    ),
)
GALAXIES = ["--set=demo.num_train=64", "--set=demo.num_test=16"]
HASTE = [  # a small network, whatever the page names
    *("--set=preprocess.image_size=32", "--set=train.weights=none"),
    *("--set=train.model=compact", "--set=train.width=8"),
    "--set=train.view_size=0",
    *("--set=train.epochs=2", "--set=train.batch_size=16"),
    *("--set=predict.num_zooms=1", "--set=predict.num_rotations=1"),
    "--set=report.make=false",  # the report has a line of its own
]
NOT_OURS = ("test", "COMMAND")  # the tests themselves; a placeholder


class Reader:
    """Types what the pages say, in a clone of their own and a Kaggle on loopback."""

    def __init__(self, place: Path, kaggle: StandIn, sky: Path) -> None:
        self.project, self.sky = place / "clone", sky
        self.said = {  # what stands for something of the reader's own
            "FOLDER": str(sky),
            "W": str(place / "W"),
            "/tmp/sky": str(place / "sky"),
            "work/a": "work/demo",
            "work/b": "work/kaggle",
        }
        unwanted = ("KAGGLE_", "PYTHON", "KERAS_")
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(unwanted) and name.lower() not in PROXIES
        } | {
            "HOME": str(place),
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "HTTP_PROXY": kaggle.url,
        }
        shutil.copytree(PROJECT / "pipeline", self.project / "pipeline")
        for name in ("README.md", "pyproject.toml"):
            shutil.copy(PROJECT / name, self.project)
        (toml,) = re.findall(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
        (self.project / "mine.toml").write_text(toml)

    def type(self, line: str) -> str:
        words = [self.said.get(word, word) for word in shlex.split(line)]
        if words[0] in ("all", "download") and "demo" in words:
            words += GALAXIES
        if words[0] == "all":
            in_time = "--minutes" in words  # which decide how many networks there are
            one = "--preset=tiny" if in_time else "--set=train.num_seeds=1"
            words += [*HASTE, one]
        token = {"KAGGLE_API_TOKEN": TOKEN} if "kaggle" in words else {}
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *words],
            cwd=self.project,
            env=self.environment | token,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert "Traceback" not in done.stderr, line
        return done.stdout

    def prepare(self, line: str) -> None:
        """Makes what the reader is thought to have before this command."""
        if "776386" in line:
            ids = next((self.project / "work/demo/shards").glob("train-*/ids.npy"))
            self.said["776386"] = str(np.load(ids)[0])
        if "pictures/" in line:
            with zipfile.ZipFile(self.sky / "images_test_rev1.zip") as images:
                for number, name in enumerate(images.namelist()[:5]):
                    picture = self.project / "pictures" / f"J{number}+45.jpg"
                    picture.parent.mkdir(exist_ok=True)
                    picture.write_bytes(images.read(name))
        if "mine.csv" in line:
            folder = self.project / "submissions"
            newest = max(folder.glob("kaggle-*.csv"), key=os.path.getmtime)
            table = pd.read_csv(newest, index_col=0)
            (table * 0.99).to_csv(folder / "mine.csv")


@pytest.mark.slow
def test_all_that_the_pages_type_works(tmp_path: Path) -> None:
    sky = tmp_path / "zips"
    words = ["download", "--source=demo", "--preset=tiny", f"--work={tmp_path / 's'}"]
    subprocess.run([sys.executable, "-m", "pipeline", *words], check=True, cwd=PROJECT)
    shutil.move(next((tmp_path / "s/raw").glob("demo-*")), sky)
    with StandIn(sky) as kaggle:
        reader = Reader(tmp_path, kaggle, sky)
        for line in dict.fromkeys(line for page in PAGES for line in commands(page)):
            if line.split()[0] not in NOT_OURS and "..." not in line:
                reader.prepare(line)
                reader.type(line)
    assert "kaggle" in reader.type("leaderboard --source kaggle")


def test_what_the_pages_select_among_the_tests_is_there() -> None:
    files = sorted((PROJECT / "tests").rglob("test_*.py"))
    names = "".join(f"{file.stem}\n{file.read_text()}" for file in files)
    for page in sorted((PROJECT / "docs").glob("*.md")):
        for line in commands(page):
            if selected := re.search(r"^test .*-k ([a-z]\w+)", line):
                assert re.search(rf"test_\w*{selected[1]}", names), line
