from pathlib import Path

import pytest

from pipeline.kaggle.credentials import find_credentials
from tests.kaggle_shell import isolate, put_login
from tests.kaggle_stand_in import KEY


def test_credentials_are_found_in_the_clients_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    isolate(monkeypatch, tmp_path)
    folder = tmp_path / ".kaggle"
    folder.mkdir()
    (folder / "kaggle.json").write_text('{"username": "u", "key": "k"}')
    assert find_credentials() == f"a user name and key in {folder / 'kaggle.json'}"
    (folder / "access_token").write_text("t")
    assert find_credentials() == f"an access token in {folder / 'access_token'}"
    monkeypatch.setenv("KAGGLE_API_TOKEN", "t")
    assert find_credentials() == "an access token in KAGGLE_API_TOKEN"


def test_the_first_credential_in_the_clients_order_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path)
    assert find_credentials() is None
    login = put_login(tmp_path)
    assert find_credentials() == f"the login in {login}"
    monkeypatch.setenv("KAGGLE_KEY", KEY)
    assert find_credentials() == f"the login in {login}"
    (tmp_path / ".kaggle/kaggle.json").write_text('{"username": "u"}')
    assert find_credentials() == (
        f"a user name and key in {tmp_path}/.kaggle/kaggle.json and KAGGLE_KEY"
    )
    (tmp_path / ".kaggle/access_token.txt").write_text("")
    assert "kaggle.json" in find_credentials()
    (tmp_path / ".kaggle/access_token.txt").write_text("t")
    assert find_credentials().endswith("access_token.txt")
    (tmp_path / "elsewhere").write_text("t")
    monkeypatch.setenv("KAGGLE_API_TOKEN", str(tmp_path / "elsewhere"))
    assert find_credentials() == (
        "an access token in KAGGLE_API_TOKEN (the file it names)"
    )
