"""What `--source` means, and what a source is called."""

import difflib
from pathlib import Path

from pipeline.errors import Misuse
from pipeline.files import expanded
from pipeline.kaggle.credentials import find_credentials
from pipeline.settings.parsing import SOURCE_WORDS

MOST_SIGNS = 50  # of a source, in the name of a file


def choose_source(wanted: str) -> tuple[str, str]:
    """Settles what `--source` means.

    Args:
        wanted: auto, kaggle, demo or a folder.

    Returns:
        "kaggle", "demo" or a folder's absolute path, and why in a sentence.

    Raises:
        Misuse: a folder that does not exist.
    """
    if wanted in ("kaggle", "demo"):
        return wanted, ""
    if wanted == "auto":
        credentials = find_credentials()
        if credentials:
            return "kaggle", f"Found Kaggle credentials: {credentials}."
        return "demo", (
            "No Kaggle credentials found: using the DEMO SKY, galaxies rendered here. "
            "Its submission is for practice; the real ones need --source kaggle or a "
            "folder with the competition's files."
        )
    folder = expanded(wanted).resolve()
    if not folder.is_dir():
        words = difflib.get_close_matches(wanted, SOURCE_WORDS, 1)
        hint = f' Did you mean "{words[0]}"?' if words else ""
        raise Misuse(
            "--source takes auto, kaggle, demo or a folder. There is no "
            f'"{folder}".{hint}'
        )
    return str(folder), ""


def source_name(source: str) -> str:
    """A source as part of a file name, which has its longest length."""
    if source in ("kaggle", "demo"):
        return source
    return Path(source).name[:MOST_SIGNS] or "folder"
