"""Which Kaggle credentials there are, found without the Kaggle client."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path


def find_credentials() -> str | None:
    """Says which credential the client uses and where it lies, not its value."""
    return next(all_credentials(), None)


def all_credentials() -> Iterator[str]:
    """Every credential there is, in the client's order: the first is the one it uses.

    An access token, then a user name with a key, then what "kaggle auth login" left.
    """
    home = Path("~/.kaggle").expanduser()
    yield from access_tokens(home)
    yield from user_name_and_key()
    oauth = home / "credentials.json"
    if read_object(oauth).get("refresh_token"):
        yield f"the login in {oauth}"


def access_tokens(home: Path) -> Iterator[str]:
    if in_kaggle_notebook() and is_full(os.environ.get("KAGGLE_API_V1_TOKEN")):
        yield "the notebook's access token in KAGGLE_API_V1_TOKEN"
    token = os.environ.get("KAGGLE_API_TOKEN")
    if token:  # itself, or the path of a file that holds it
        named = " (the file it names)" if is_full(token) else ""
        yield f"an access token in KAGGLE_API_TOKEN{named}"
    for path in (home / "access_token", home / "access_token.txt"):
        if is_full(str(path)):
            yield f"an access token in {path}"


def user_name_and_key() -> Iterator[str]:
    """The environment goes before the file, for each of the two by itself."""
    file = key_file()
    in_file = read_object(file)
    places = []
    for name in ("username", "key"):
        variable = f"KAGGLE_{name.upper()}"
        if os.environ.get(variable):
            places.append(variable)
        elif in_file.get(name):
            places.append(str(file))
    if len(places) == 2:
        yield f"a user name and key in {' and '.join(dict.fromkeys(places))}"


def key_file() -> Path:
    """Where the client looks for kaggle.json."""
    if moved := os.environ.get("KAGGLE_CONFIG_DIR"):
        return Path(moved) / "kaggle.json"
    folder = Path("~/.kaggle").expanduser()
    if sys.platform.startswith("linux") and not folder.exists():
        config = os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
        folder = Path(config) / "kaggle"
    return folder / "kaggle.json"


def in_kaggle_notebook() -> bool:
    names = ("KAGGLE_KERNEL_RUN_TYPE", "KAGGLE_DATA_PROXY_URL")
    return all(name in os.environ for name in names)


def is_full(path: str | None) -> bool:
    """Whether there is such a file, with something in it."""
    try:
        return bool(path) and bool(Path(path).read_text().strip())
    except (OSError, ValueError):  # a token is no path, or too long for one
        return False


def read_object(path: Path) -> dict[str, object]:
    """The content of a JSON file; empty where there is no readable one."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
