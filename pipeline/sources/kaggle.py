"""The competition's files from Kaggle, by its official client."""

import contextlib
import io
import zipfile
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.sources import COMPETITION
from pipeline.sources.credentials import find_credentials
from pipeline.sources.folder import FILES

RULES = f"https://www.kaggle.com/c/{COMPETITION}/rules"


def fetch(raw: Path) -> None:
    """Fetches the competition's files that are not there yet, one by one.

    Args:
        raw: the folder they go to; an interrupted file is gone on with.

    Raises:
        PipelineError: no credentials, no access, no network, or a broken file.
    """
    client = connect()
    for name in FILES.values():
        path = raw / f"{name}.zip"
        if not is_whole_zip(path):
            fetch_file(client, path)


def connect() -> Any:
    """The official client, logged in."""
    if not find_credentials():
        raise PipelineError(
            "No Kaggle credentials found. Make a token at "
            "https://www.kaggle.com/settings and put it in KAGGLE_API_TOKEN or "
            "~/.kaggle/access_token."
        )
    # it prints help and exits where it cannot log in
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            from kaggle.api.kaggle_api_extended import KaggleApi

            client = KaggleApi()
            client.authenticate()
        except SystemExit:
            raise PipelineError("Kaggle's client refuses the credentials.") from None
    return client


def fetch_file(client: Any, path: Path) -> None:
    import requests

    try:
        with contextlib.redirect_stdout(io.StringIO()):
            client.competition_download_file(
                COMPETITION, path.name, path=str(path.parent), force=path.exists()
            )
    except requests.HTTPError as error:
        raise PipelineError(http_trouble(error)) from None
    except requests.RequestException as error:
        raise PipelineError(
            f"Kaggle does not answer ({type(error).__name__}). Run it again; what is "
            "there already is kept."
        ) from None
    if not is_whole_zip(path):
        raise PipelineError(
            f"{path} came without its end. Run it again to have it anew."
        )


def http_trouble(error: Any) -> str:
    status = error.response.status_code if error.response is not None else None
    if status == 403:
        return f"Kaggle refuses: accept the competition's rules at {RULES} first."
    if status == 401:
        return f"Kaggle refuses {find_credentials()}. Make a new token."
    return f"Kaggle answers {status}. Run it again later."


def is_whole_zip(path: Path) -> bool:
    return path.exists() and zipfile.is_zipfile(path)
