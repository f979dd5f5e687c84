"""A shell to type commands in, and a Kaggle on loopback that answers them."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.runs.origin import kaggle_folder
from pipeline.runs.paths import WorkDir
from tests.kaggle_stand_in import SECRETS, TOKEN, StandIn

HASTE = {  # a user's minutes, in hundredths of a second
    "connect_timeout": 2.0,
    "stall_timeout": 5.0,
    "max_attempts": 3,
    "first_wait": 0.01,
    "max_wait": 2.0,
    "poll_interval": 0.01,
}
IMPATIENT = {"stall_timeout": 0.3}  # where a server stalls, and nowhere else
BEFORE_EXPORT = ("download", "preprocess", "train", "predict", "classify")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def isolate(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Takes away the developer's own credentials and proxies."""
    for name in list(os.environ):
        if name.startswith("KAGGLE_") or name.lower() in PROXIES:
            patch.delenv(name)
    home.mkdir(exist_ok=True)
    patch.setenv("HOME", str(home))
    patch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture
def stand_in(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StandIn]:
    """A Kaggle that holds the miniature competition, and a token for it."""
    from kagglesdk import kaggle_env

    isolate(monkeypatch, tmp_path / "home")
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    with StandIn(folder) as stand_in:
        endpoints = kaggle_env._env_to_endpoint
        monkeypatch.setitem(endpoints, kaggle_env.KaggleEnv.PROD, stand_in.url)
        yield stand_in


def put_login(home: Path) -> Path:
    path = home / ".kaggle" / "credentials.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"refresh_token": "refresh-me", "username": "someone"}')
    return path


class Shell:
    """Types commands in this process; keeps what they printed and looks for secrets."""

    def __init__(
        self, tmp_path: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture
    ) -> None:
        self.work, self.submissions = tmp_path / "work", tmp_path / "submissions"
        self.raw = kaggle_folder(WorkDir(self.work))
        self.patch, self.capture = patch, capture
        self.out = self.err = ""

    def type(self, *words: str, **settings: float) -> int:
        sets = {f"kaggle.{key}": value for key, value in (HASTE | settings).items()}
        if words[0] not in BEFORE_EXPORT:
            sets["export.folder"] = self.submissions
        words += tuple(f"--set={key}={value}" for key, value in sets.items())
        words += ("--work", str(self.work))
        self.patch.setattr(sys, "argv", ["./run.sh", *words])
        code = main()
        self.out, self.err = self.capture.readouterr()
        for secret in SECRETS:
            assert secret not in self.out + self.err
        return code

    def download(self, **settings: float) -> int:
        return self.type("download", "--source=kaggle", "--preset=tiny", **settings)

    def error(self) -> str:
        """The one line of the error."""
        (line,) = re.findall(r"^error: (.*)", self.err, re.MULTILINE)
        return line

    def files(self) -> list[str]:
        return sorted(path.name for path in self.raw.iterdir())


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> Shell:
    return Shell(tmp_path, monkeypatch, capsys)
