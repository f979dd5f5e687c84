"""Which Kaggle credentials there are, found without the Kaggle client."""

import os
from pathlib import Path


def find_credentials() -> str | None:
    """Says which credential the client would use and where it lies, not its value.

    The client's own order: an access token, then a user name with a key.
    """
    home = Path("~/.kaggle").expanduser()
    folder = Path(os.environ.get("KAGGLE_CONFIG_DIR", home))
    token_file, key_file = home / "access_token", folder / "kaggle.json"
    if os.environ.get("KAGGLE_API_TOKEN"):
        return "an access token in KAGGLE_API_TOKEN"
    if token_file.is_file():
        return f"an access token in {token_file}"
    if os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"):
        return "a user name and key in KAGGLE_USERNAME and KAGGLE_KEY"
    if key_file.is_file():
        return f"a user name and key in {key_file}"
    return None
