"""Which Kaggle credentials there are, found without the Kaggle client."""

import codecs
import json
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError, typed
from pipeline.files import expanded

TOKENS = "https://www.kaggle.com/settings"
# the client is installed beside the Python that runs this, and seldom on the PATH
LOG_IN = typed(str(Path(sys.prefix) / "bin" / "kaggle"), "auth", "login")
LONGEST_TOKEN = 1000  # characters; those of Kaggle have some 40
OTHER_USES = ("competition", "path", "proxy")  # what else the client keeps in its file


class BrokenCredential(PipelineError):
    """A file is there for a credential, and does not hold one."""

    def __init__(self, path: Path, reason: str, remedy: str = "") -> None:
        anew = f"Make a new one at {TOKENS}"
        if path == login_file():
            anew = f'Run "{LOG_IN}"'
        remedy = remedy or f"{anew}, or move the file away."
        super().__init__(f"{path} {reason}. {remedy}")


def find_credentials() -> str | None:
    """Says which credential the client uses and where it lies, not its value.

    Raises:
        BrokenCredential: there is none, but a file that should hold one.
    """
    return next(iter(all_credentials()), None)


def all_credentials() -> list[str]:
    """Every credential there is, in the client's order: the first is the one it uses.

    An access token, then a user name with a key, then what "kaggle auth login" left.

    Raises:
        BrokenCredential: there is none, but a file that should hold one.
    """
    found, broken = [], []
    for look in (notebook_token, token_in_variable, token_files, name_and_key, login):
        try:
            found += look()
        except BrokenCredential as error:
            broken.append(error)
    if broken and not found:
        raise broken[0]
    return found


def notebook_token() -> Iterator[str]:
    path = os.environ.get("KAGGLE_API_V1_TOKEN")
    if in_kaggle_notebook() and path and is_full(Path(path)):
        yield "the notebook's access token in KAGGLE_API_V1_TOKEN"


def token_in_variable() -> Iterator[str]:
    """A token itself, or the path of a file that holds it."""
    token = os.environ.get("KAGGLE_API_TOKEN")
    if not token:
        return
    if len(token) > LONGEST_TOKEN:
        reason = f"has {len(token)} characters, more than a token"
        anew = f"Make a new one at {TOKENS}, or unset it."
        raise BrokenCredential(Path("KAGGLE_API_TOKEN"), reason, anew)
    if not names_file(token):
        yield "an access token in KAGGLE_API_TOKEN"
    elif is_full(Path(token)):
        yield "an access token in KAGGLE_API_TOKEN (the file it names)"


def token_files() -> Iterator[str]:
    for name in ("access_token", "access_token.txt"):
        path = home_folder() / name
        if is_full(path):
            yield f"an access token in {path}"


def name_and_key() -> Iterator[str]:
    """The environment goes before the file, for each of the two by itself."""
    wanted = [
        name
        for name in ("username", "key")
        if not os.environ.get(f"KAGGLE_{name.upper()}")
    ]
    file = key_file()
    in_file = read_object(file) if wanted else {}
    if in_file is None and len(wanted) == 1:
        given = ({"username", "key"} - {*wanted}).pop().upper()
        remedy = f"Set KAGGLE_{wanted[0].upper()} with it, or unset it."
        raise BrokenCredential(Path(f"KAGGLE_{given}"), "is set alone", remedy)
    if in_file is None or (
        wanted
        and in_file.keys() & OTHER_USES
        and not (in_file.keys() & {"username", "key"})
    ):
        return
    for name in wanted:
        if not is_word(in_file.get(name)):
            raise BrokenCredential(file, f'has no text for "{name}"')
    places = [
        str(file) if name in wanted else f"KAGGLE_{name.upper()}"
        for name in ("username", "key")
    ]
    yield f"a user name and key in {' and '.join(dict.fromkeys(places))}"


def login() -> Iterator[str]:
    path = login_file()
    content = read_object(path)
    if content is None:
        return
    remedy = f'Log in again with "{LOG_IN}", or move the file away.'
    if not is_word(content.get("refresh_token")):
        raise BrokenCredential(path, 'has no text for "refresh_token"', remedy)
    if not is_moment(content.get("access_token_expiration")):
        reason = 'has no time with a zone for "access_token_expiration"'
        raise BrokenCredential(path, reason, remedy)
    yield f"the login in {path}"


def readable_by_others() -> list[str]:
    """A line for each file of credentials that other users may read."""
    named = [os.environ.get(name) for name in ("KAGGLE_API_TOKEN",)]
    paths = [Path(name) for name in named if name and names_file(name)]
    paths += [home_folder() / name for name in ("access_token", "access_token.txt")]
    paths += [key_file(), login_file()]
    return [
        f"{path} may be read by other users. Close it: chmod 600 {typed(str(path))}"
        for path in paths
        if names_file(str(path)) and path.stat().st_mode & 0o077
    ]


def home_folder() -> Path:
    return expanded("~/.kaggle")


def login_file() -> Path:
    return home_folder() / "credentials.json"


def key_file() -> Path:
    """Where the client looks for kaggle.json."""
    if moved := os.environ.get("KAGGLE_CONFIG_DIR"):
        return Path(moved) / "kaggle.json"
    folder = expanded("~/.kaggle")
    if sys.platform.startswith("linux") and not names_file(str(folder)):
        config = os.environ.get("XDG_CONFIG_HOME") or expanded("~/.config")
        folder = Path(config) / "kaggle"
    return folder / "kaggle.json"


def in_kaggle_notebook() -> bool:
    names = ("KAGGLE_KERNEL_RUN_TYPE", "KAGGLE_DATA_PROXY_URL")
    return all(name in os.environ for name in names)


def names_file(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # a token is not a path, or too long for one
        return False


def is_word(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_moment(value: Any) -> bool:
    """Whether it is a time the client can compare with now; none at all will do."""
    try:
        return not value or datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def is_full(path: Path) -> bool:
    """Whether there is such a file; one without a token is broken."""
    text = read_words(path)
    if text is not None and not text.strip():
        raise BrokenCredential(path, "is empty")
    return text is not None


def read_object(path: Path) -> dict[str, Any] | None:
    """The content of a JSON file; None where there is no such file."""
    text = read_words(path)
    if text is None:
        return None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise BrokenCredential(path, "is not whole JSON") from None
    if not isinstance(content, dict):
        raise BrokenCredential(path, "is not a JSON object")
    return content


def read_words(path: Path) -> str | None:
    """A file's text; None where there is no such file."""
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe, say
            raise BrokenCredential(path, "is not a file")
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        if not os.access(path.parent, os.X_OK):
            remedy = "Let HOME or KAGGLE_CONFIG_DIR name a folder of yours."
            raise BrokenCredential(path.parent, "is not readable", remedy) from None
        remedy = f"Open it for yourself: chmod 600 {typed(str(path))}"
        raise BrokenCredential(path, "is not readable", remedy) from None
    except OSError as error:
        raise BrokenCredential(path, f"is not readable: {error.strerror}") from None
    if content.startswith(codecs.BOM_UTF8):
        remedy = "Save it as UTF-8 without one."
        raise BrokenCredential(path, "begins with a byte order mark", remedy)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        remedy = "Save it as UTF-8."
        raise BrokenCredential(path, "is not text in UTF-8", remedy)
    return text
