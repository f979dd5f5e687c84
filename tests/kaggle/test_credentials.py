import os
import sys
from pathlib import Path

import pytest

from pipeline.kaggle.credentials import BrokenCredential, find_credentials
from tests.kaggle_shell import isolate, put_login
from tests.kaggle_stand_in import KEY
from tests.terminal import Terminal

CLIENT = Path(sys.executable).with_name("kaggle")


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
    monkeypatch.setenv("KAGGLE_KEY", KEY)
    with pytest.raises(BrokenCredential) as refusal:
        find_credentials()
    assert str(refusal.value) == (
        "KAGGLE_KEY is set alone. Set KAGGLE_USERNAME with it, or unset it."
    )
    login = put_login(tmp_path)
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


BROKEN = [
    (b"\xef\xbb\xbf{}", "begins with a byte order mark. Save it as UTF-8 without one."),
    ('{"username": "u", "key": "k"}'.encode("utf-16"), "is not text in UTF-8. Save"),
    ('{"key": "k"}'.encode("utf-16-le"), "is not text in UTF-8. Save it as UTF-8."),
    (b'{"username": "u", "ke', "is not whole JSON. Make a new one at"),
    (b"", "is not whole JSON. Make a new one at https://www.kaggle.com/settings, or"),
    (b"[" * 100_000, "is not whole JSON."),
    (b'["u", "k"]', "is not a JSON object."),
    (b"{}", 'has no text for "username".'),
    (b'{"username": " ", "key": "k"}', 'has no text for "username".'),
    (b'{"username": "u", "key": 7}', 'has no text for "key".'),
]


@pytest.mark.parametrize(("content", "line"), BROKEN)
def test_a_broken_kaggle_json_is_named_and_no_demo_begins(
    terminal: Terminal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    line: str,
) -> None:
    isolate(monkeypatch, tmp_path)
    path = tmp_path / ".kaggle/kaggle.json"
    path.parent.mkdir()
    path.write_bytes(content)
    assert terminal.type("all", "--preset=tiny") == 1
    assert terminal.error.startswith(f"{path} {line}")
    assert not terminal.work.exists()


def test_a_folder_in_the_place_of_a_credential_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path)
    path = tmp_path / ".kaggle/kaggle.json"
    path.mkdir(parents=True)
    with pytest.raises(BrokenCredential) as refusal:
        find_credentials()
    assert str(refusal.value).startswith(f"{path} is not readable: Is a directory.")


def test_a_pipe_in_the_place_of_a_credential_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path)
    path = tmp_path / ".kaggle/access_token"
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(BrokenCredential) as refusal:
        find_credentials()
    assert str(refusal.value).startswith(f"{path} is not a file. ")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("{", f'is not whole JSON. Run "{CLIENT} auth login", or move the file away.'),
        ("[]", "is not a JSON object."),
        (
            '{"refresh_token": 3}',
            f'has no text for "refresh_token". Log in again with "{CLIENT} auth login"',
        ),
        (
            '{"refresh_token": "r", "access_token_expiration": "soon"}',
            'has no time with a zone for "access_token_expiration". Log in again with',
        ),
    ],
)
def test_a_damaged_login_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, line: str
) -> None:
    isolate(monkeypatch, tmp_path)
    path = put_login(tmp_path)
    path.write_text(content)
    with pytest.raises(BrokenCredential) as refusal:
        find_credentials()
    assert str(refusal.value).startswith(f"{path} {line}")
    assert CLIENT.is_file()


def test_a_file_of_other_settings_of_the_client_is_no_broken_credential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path)
    path = tmp_path / ".kaggle/kaggle.json"
    path.parent.mkdir()
    path.write_text('{"competition": "titanic"}')
    assert find_credentials() is None


def test_a_broken_credential_matters_only_where_no_other_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path)
    login = put_login(tmp_path)
    (tmp_path / ".kaggle/kaggle.json").write_text("{")
    assert find_credentials() == f"the login in {login}"
