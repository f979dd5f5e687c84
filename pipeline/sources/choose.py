"""What `--source` means, and what a source is called."""

from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.kaggle.credentials import find_credentials


def choose_source(wanted: str) -> tuple[str, str]:
    """Settles what `--source` means.

    Args:
        wanted: auto, kaggle, demo or a folder.

    Returns:
        "kaggle", "demo" or a folder's absolute path, and why in a sentence.

    Raises:
        PipelineError: a folder that does not exist.
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
    folder = Path(wanted).expanduser().resolve()
    if not folder.is_dir():
        raise PipelineError(
            f'--source takes auto, kaggle, demo or a folder. There is no "{folder}".'
        )
    return str(folder), ""


def source_name(source: str) -> str:
    """A source as part of a file name."""
    return source if source in ("kaggle", "demo") else Path(source).name or "folder"
