"""The download, by the real Kaggle client, from a stand-in on loopback."""

import datetime
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests

from pipeline.errors import PipelineError
from pipeline.kaggle.failures import retry_after, trouble_of
from pipeline.runs.paths import PROJECT
from pipeline.settings.schema import KaggleConfig
from pipeline.sources.folder import FILES
from tests.kaggle_shell import HASTE, IMPATIENT, Shell, put_login
from tests.kaggle_stand_in import KEY, RULES, SECRETS, TOKEN, USER, StandIn
from tests.miniature import blob, write_zip

NAMES = [f"{name}.zip" for name in FILES.values()]
IMAGES = "images_training_rev1.zip"


def is_complete(shell: Shell, folder: Path) -> bool:
    """Whether raw/ holds Kaggle's bytes, a receipt, and nothing else."""
    same = all(
        (shell.raw / name).read_bytes() == (folder / name).read_bytes()
        for name in NAMES
    )
    return same and shell.files() == sorted([*NAMES, "receipt.json"])


def test_all_files_are_fetched_and_no_other(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    write_zip(folder / "central_pixel_benchmark.zip", {"a.csv": b"not needed"})
    assert shell.download() == 0
    assert is_complete(shell, folder)
    assert stand_in.calls["DownloadDataFile"] == 4
    assert "using an access token in KAGGLE_API_TOKEN" in shell.err
    assert "raw: 24 training and 6 test images" in shell.err


def test_the_storage_is_not_told_the_credential(
    shell: Shell, stand_in: StandIn
) -> None:
    shell.download()
    assert stand_in.calls["storage"] == 4
    assert stand_in.leaks == []


def test_a_second_download_asks_nobody(shell: Shell, stand_in: StandIn) -> None:
    shell.download()
    stand_in.calls.clear()
    assert shell.download() == 0
    assert "raw/kaggle is up to date" in shell.err
    assert not stand_in.calls


def test_without_credentials_nothing_is_asked(
    shell: Shell, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    assert shell.download() == 1
    assert shell.error() == (
        "No Kaggle credentials found. Make a token at https://www.kaggle.com/settings "
        "and put it in KAGGLE_API_TOKEN or ~/.kaggle/access_token."
    )
    assert not stand_in.calls


@pytest.mark.parametrize("damaged", [True, False])
def test_what_lacks_of_the_files_is_named_with_both_ways_to_get_it(
    shell: Shell,
    stand_in: StandIn,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    damaged: bool,
) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    shutil.copytree(folder, shell.raw)
    if damaged:
        make_page(shell.raw / IMAGES)
    else:
        (shell.raw / IMAGES).unlink()
    assert shell.download() == 1
    assert shell.error() == (
        f"{shell.raw} lacks {IMAGES}. Get it at "
        "https://www.kaggle.com/c/galaxy-zoo-the-galaxy-challenge/data and put it "
        "there, or let it be fetched. No Kaggle credentials found. Make a token at "
        "https://www.kaggle.com/settings and put it in KAGGLE_API_TOKEN or "
        "~/.kaggle/access_token."
    )


@pytest.mark.parametrize("method", ["ListDataFiles", "DownloadDataFile"])
def test_rules_not_accepted_name_the_page_where_they_are(
    shell: Shell, stand_in: StandIn, method: str
) -> None:
    words = "You must accept this competition's rules\nbefore you'll be able to go on."
    stand_in.goes_wrong(method, status=403, message=words, times=99)
    assert shell.download() == 1
    assert "(403: You must accept this competition's rules before" in shell.error()
    assert f"Accept the competition's rules at {RULES} with" in shell.error()
    assert stand_in.calls[method] == 1
    assert stand_in.calls["storage"] == 0
    assert shell.files() == []


def test_a_wrong_token_is_named_by_its_place(
    shell: Shell, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "another-secret")
    assert shell.download() == 1
    assert shell.error().startswith(
        "Kaggle refuses an access token in KAGGLE_API_TOKEN (401)"
    )
    assert "another-secret" not in shell.err


def test_a_revoked_token_is_named_by_its_place(shell: Shell, stand_in: StandIn) -> None:
    stand_in.token_active = False
    assert shell.download() == 1
    assert shell.error().startswith(
        "Kaggle refuses an access token in KAGGLE_API_TOKEN (401)"
    )


def test_a_wrong_key_is_named_by_its_place(
    shell: Shell, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    monkeypatch.setenv("KAGGLE_USERNAME", USER)
    monkeypatch.setenv("KAGGLE_KEY", "another-secret")
    assert shell.download() == 1
    assert "a user name and key in KAGGLE_USERNAME and KAGGLE_KEY (401)" in shell.err
    assert "another-secret" not in shell.err


@pytest.mark.parametrize("token", [f"{TOKEN}\n", "t\u00f6k\u20acn", "x" * 5000])
def test_a_token_that_is_none_is_not_shown(
    shell: Shell, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", token)
    assert shell.download() == 1
    assert "KAGGLE_API_TOKEN" in shell.error()
    assert token.strip() not in shell.err


@pytest.mark.parametrize(
    ("status", "headers", "line"),
    [
        (404, {}, "Kaggle does not know the list of files (404: words)."),
        (418, {}, "Kaggle refuses the list of files (418: words)."),
        (429, {"Retry-After": "77"}, "Kaggle asks to wait 77 s: too many requests"),
    ],
)
def test_a_refusal_is_one_line_at_once(
    shell: Shell, stand_in: StandIn, status: int, headers: dict[str, str], line: str
) -> None:
    stand_in.goes_wrong(
        "ListDataFiles", status=status, message="words", headers=headers, times=99
    )
    assert shell.download() == 1
    assert shell.error().startswith(line)
    assert stand_in.calls["ListDataFiles"] == 1
    assert shell.files() == []


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (
            {"status": 500},
            "Kaggle has a server error (500). Run it again in some minutes.",
        ),
        ({"status": 503}, "Kaggle has a server error (503)."),
        ({"status": 429}, "Kaggle asks to wait: too many requests (429)."),
        (
            {"status": 429, "headers": {"Retry-After": "0"}},
            "Kaggle asks to wait 0 s: too many requests (429).",
        ),
        (
            {"stall": 0},
            "127.0.0.1 timed out: no answer for the list of files within 0.3 s.",
        ),
    ],
)
@pytest.mark.parametrize("times", [1, 99])
def test_passing_trouble_is_waited_for_a_bounded_number_of_times(
    shell: Shell, stand_in: StandIn, fault: dict, line: str, times: int
) -> None:
    stand_in.goes_wrong("ListDataFiles", **fault, times=times)
    code = shell.download(**(IMPATIENT if "stall" in fault else {}))
    if times == 1:
        assert code == 0
        assert "Trying again in" in shell.err
    else:
        assert code == 1
        assert shell.error().startswith(line)
        assert stand_in.calls["ListDataFiles"] == HASTE["max_attempts"]


def test_a_server_that_stalls_at_the_log_in_is_given_up(
    shell: Shell, stand_in: StandIn
) -> None:
    stand_in.goes_wrong("IntrospectToken", stall=0, times=99)
    assert shell.download(max_attempts=1, **IMPATIENT) == 1
    assert shell.error().startswith(
        "127.0.0.1 timed out: no answer for the log-in within 0.3 s."
    )


def test_a_page_instead_of_an_answer_is_told(shell: Shell, stand_in: StandIn) -> None:
    stand_in.goes_wrong("ListDataFiles", page="<html>Log in to the hotel</html>")
    assert shell.download() == 1
    assert shell.error().startswith("What came for the list of files is not from Kagg")


def test_no_network_is_one_line(shell: Shell, stand_in: StandIn) -> None:
    stand_in.server.server_close()
    assert shell.download() == 1
    assert shell.error() == (
        "Cannot reach 127.0.0.1. Is there a network? Behind a proxy, set HTTPS_PROXY."
    )


def test_a_proxy_that_refuses_is_named_without_its_password(
    shell: Shell, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kagglesdk import kaggle_env

    prod = kaggle_env.KaggleEnv.PROD
    proxy = f"http://me:hunter2@127.0.0.1:{stand_in.port}"
    monkeypatch.setitem(kaggle_env._env_to_endpoint, prod, "https://kaggle.test")
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert shell.download() == 1
    assert shell.error().startswith(
        f"The proxy (HTTPS_PROXY=127.0.0.1:{stand_in.port}) does not let Kaggle "
        "through (it answers 407)."
    )
    assert "hunter2" not in shell.err


def test_a_cut_in_mid_file_resumes_where_it_was(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    stand_in.goes_wrong("storage", times=2)  # the tables pass
    stand_in.goes_wrong("storage", cut=5000)
    assert shell.download() == 0
    assert (IMAGES, 5000) in stand_in.ranges
    assert stand_in.bytes_sent[IMAGES] == (folder / IMAGES).stat().st_size
    assert is_complete(shell, folder)


def test_ten_cuts_fetch_no_byte_twice(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    stand_in.goes_wrong("storage", times=2)
    stand_in.goes_wrong("storage", cut=9000, times=10)
    assert shell.download(max_attempts=11, first_wait=0.0) == 0
    assert stand_in.bytes_sent[IMAGES] == (folder / IMAGES).stat().st_size
    assert is_complete(shell, folder)


@pytest.mark.parametrize("fault", [{"stall": 5000}, {"crawl": 0.05}])
def test_a_stalled_connection_is_given_up_and_tried_again(
    shell: Shell, stand_in: StandIn, folder: Path, fault: dict
) -> None:
    stand_in.goes_wrong("storage", times=2)
    stand_in.goes_wrong("storage", **fault)
    assert shell.download(**IMPATIENT) == 0
    assert re.search(r"timed out|stalled: \d bytes in 0.3 s", shell.err)
    assert is_complete(shell, folder)


def test_an_address_that_has_expired_is_asked_for_anew(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    stand_in.goes_wrong("storage", status=403)
    assert shell.download() == 0
    assert "Kaggle's storage answers (403) for all_zeros_benchmark.zip." in shell.err
    assert is_complete(shell, folder)


def test_a_storage_that_never_recovers_is_given_up_and_resumed_later(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    stand_in.goes_wrong("storage", times=2)
    stand_in.goes_wrong("storage", cut=5000)
    stand_in.goes_wrong("storage", status=503, times=2)
    assert shell.download() == 1
    size = (folder / IMAGES).stat().st_size
    assert shell.error() == (
        f"Kaggle's storage has a server error (503) for {IMAGES}. Run it again later. "
        f"5,000 of {size:,} bytes of {IMAGES} are kept."
    )
    tables = ["all_zeros_benchmark.zip", "training_solutions_rev1.zip"]
    assert shell.files() == sorted([*tables, f"{IMAGES}.partial"])
    stand_in.bytes_sent.clear()
    assert shell.download() == 0
    assert stand_in.bytes_sent[IMAGES] == size - 5000
    assert is_complete(shell, folder)


def test_an_interrupted_download_is_resumed(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    shell.raw.mkdir(parents=True)
    content = (folder / IMAGES).read_bytes()
    (shell.raw / f"{IMAGES}.partial").write_bytes(content[:7000])
    assert shell.download() == 0
    assert (IMAGES, 7000) in stand_in.ranges
    assert is_complete(shell, folder)


@pytest.mark.parametrize("surplus", [-1000, 0, 1000])
def test_a_partial_file_that_is_of_another_file_is_thrown_away(
    shell: Shell, stand_in: StandIn, folder: Path, surplus: int
) -> None:
    shell.raw.mkdir(parents=True)
    size = (folder / IMAGES).stat().st_size
    (shell.raw / f"{IMAGES}.partial").write_bytes(b"PK" + b"x" * (size + surplus - 2))
    assert shell.download() == 0
    assert (IMAGES, 0) in stand_in.ranges
    assert is_complete(shell, folder)


def test_a_storage_without_ranges_begins_anew(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    stand_in.knows_ranges = False
    stand_in.goes_wrong("storage", times=2)
    stand_in.goes_wrong("storage", cut=5000)
    assert shell.download() == 0
    assert is_complete(shell, folder)


def test_a_page_instead_of_a_zip_is_not_kept(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    page = "<html>" + "x" * 5000
    stand_in.goes_wrong("storage", page=page)
    assert shell.download() == 0
    assert is_complete(shell, folder)


def test_a_page_of_the_right_size_is_not_kept(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    size = (folder / "all_zeros_benchmark.zip").stat().st_size
    stand_in.goes_wrong("storage", page="<html>".ljust(size), times=99)
    assert shell.download() == 1
    assert "all_zeros_benchmark.zip came as something that is not a zip." in shell.err
    assert shell.files() == []


def test_a_storage_that_sends_on_and_on_is_stopped_at_the_size(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    size = (folder / "all_zeros_benchmark.zip").stat().st_size
    stand_in.goes_wrong("storage", endless=True, times=99)
    assert shell.download() == 1
    assert (
        f"all_zeros_benchmark.zip is longer than its {size:,} bytes." in shell.error()
    )
    assert stand_in.calls["storage"] == HASTE["max_attempts"]
    assert shell.files() == []


@pytest.mark.parametrize(
    "header", ["", "bytes */77", "bytes 5-1/x", "bytes 99999999999999999999-1/2", "?"]
)
def test_a_part_that_does_not_say_which_is_not_kept(
    shell: Shell, stand_in: StandIn, header: str
) -> None:
    headers = {"Content-Range": header}
    stand_in.goes_wrong("storage", status=206, headers=headers, times=99)
    assert shell.download() == 1
    assert "the storage offers a part that it does not name." in shell.error()
    assert shell.files() == []


@pytest.mark.parametrize("size", [0, -5])
def test_a_size_that_is_none_is_refused(
    shell: Shell, stand_in: StandIn, size: int
) -> None:
    stand_in.sizes = {IMAGES: size, "../../x.zip": 9, "Images_Test_rev1.zip": 9}
    assert shell.download() == 1
    assert shell.error().startswith(
        f"Kaggle's list of files lacks {IMAGES}, or their sizes. It has: ../../x.zip, "
    )
    assert stand_in.calls["DownloadDataFile"] == 0


@pytest.mark.parametrize("answer", ["[]", '{"files": 3}', '{"files": [7]}', "null"])
def test_an_answer_of_another_form_is_one_line(
    shell: Shell, stand_in: StandIn, answer: str
) -> None:
    stand_in.goes_wrong("ListDataFiles", page=answer, times=99)
    assert shell.download() == 1
    assert "Kaggle" in shell.error()


@pytest.mark.parametrize("proxy", ["proxy.test:3128", "http://me:hunter2@10.0.0.7:80"])
def test_no_credential_goes_out_in_plain_text(
    shell: Shell, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    assert shell.download() == 1
    host = proxy.rpartition("@")[2].partition(":")[0]
    assert shell.error() == (
        f"The credentials would go to {host} in plain text, by http://localhost. Unset "
        "KAGGLE_API_ENVIRONMENT, or the proxy."
    )


def test_an_environment_that_the_client_does_not_know_is_one_line(
    shell: Shell, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "moon")
    assert shell.download() == 1
    assert shell.error() == (
        'KAGGLE_API_ENVIRONMENT is "moon", which Kaggle\'s client does not know. Unset '
        "it."
    )


def test_another_size_than_listed_is_refused(shell: Shell, stand_in: StandIn) -> None:
    stand_in.sizes["all_zeros_benchmark.zip"] = 999_999
    assert shell.download() == 1
    assert "should have 999,999 bytes; the storage offers" in shell.error()
    assert shell.files() == []


def spoil(path: Path, name: str) -> None:
    """Turns one byte of a stored member, of which only its checksum tells."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo(name).header_offset
    content[offset + 1000] ^= 1
    path.write_bytes(content)


def test_a_damaged_member_is_fetched_again_once(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    spoil(folder / IMAGES, "images_training_rev1/100003.jpg")
    assert shell.download() == 1
    name = "images_training_rev1/100003.jpg"
    assert (
        f"{IMAGES} came broken twice: it is damaged at {name} (Bad CRC-32 for file "
        f"'{name}')" in shell.error()
    )
    assert stand_in.ranges.count((IMAGES, 0)) == 2
    assert IMAGES not in shell.files()
    assert f"{IMAGES}.partial" not in shell.files()


def test_files_put_there_by_hand_are_not_fetched(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    shell.raw.mkdir(parents=True)
    shutil.copy(folder / IMAGES, shell.raw)
    assert shell.download() == 0
    assert f"{IMAGES} was there, and is whole" in shell.err
    assert stand_in.bytes_sent[IMAGES] == 0
    assert is_complete(shell, folder)


def test_unpacked_files_put_there_by_hand_are_not_fetched(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    shell.raw.mkdir(parents=True)
    for name in (IMAGES, "training_solutions_rev1.zip"):
        with zipfile.ZipFile(folder / name) as archive:
            archive.extractall(shell.raw)
    assert shell.download() == 0
    assert "images_training_rev1 was there, and is whole" in shell.err
    assert "training_solutions_rev1.csv was there, and is whole" in shell.err
    assert stand_in.calls["DownloadDataFile"] == 2


def test_all_files_put_there_by_hand_need_neither_kaggle_nor_credentials(
    shell: Shell, stand_in: StandIn, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    shutil.copytree(folder, shell.raw)
    assert shell.download() == 0
    assert not stand_in.calls
    assert is_complete(shell, folder)


def test_the_zip_of_everything_put_there_by_hand_is_unpacked(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    shell.raw.mkdir(parents=True)
    everything = shell.raw / "galaxy-zoo-the-galaxy-challenge.zip"
    write_zip(everything, {name: (folder / name).read_bytes() for name in NAMES})
    assert shell.download() == 0
    assert not stand_in.calls
    everything.unlink()
    assert is_complete(shell, folder)


def test_names_in_capitals_put_there_by_hand_are_not_fetched(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    shutil.copytree(folder, shell.raw)
    solutions = shell.raw / "training_solutions_rev1.zip"
    solutions.rename(shell.raw / "Training_Solutions_Rev1.ZIP")
    assert shell.download() == 0
    assert not stand_in.calls


def test_a_table_under_the_name_of_another_is_told_and_fetched(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    shutil.copytree(folder, shell.raw)
    solutions = shell.raw / "training_solutions_rev1.zip"
    with zipfile.ZipFile(solutions) as archive:
        content = archive.read("training_solutions_rev1.csv")
    sample = shell.raw / "all_zeros_benchmark.zip"
    write_zip(sample, {"all_zeros_benchmark.csv": content})
    assert shell.download() == 0
    assert (
        f"{sample} has the galaxies of {IMAGES}, so it is another file; fetching it"
    ) in shell.err
    assert (shell.raw / "all_zeros_benchmark.zip.damaged-1").exists()


def test_a_corrected_table_beside_what_was_fetched_is_told(
    shell: Shell, stand_in: StandIn
) -> None:
    assert shell.download() == 0
    (shell.work / "raw" / "training_solutions_rev1.csv").write_text("GalaxyID\n")
    assert shell.download() == 0
    assert f"{shell.raw} counts; the files beside it in" in shell.err


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-700])


def make_page(path: Path) -> None:
    path.write_text("<!DOCTYPE html><title>Log in</title>")


def make_other(path: Path) -> None:
    write_zip(path, {"images_training_rev1/100000.jpg": blob(99)})


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("spoiling", [truncate, make_page, make_other])
def test_a_bad_file_put_there_by_hand_is_fetched_anew(
    shell: Shell,
    stand_in: StandIn,
    folder: Path,
    spoiling: Callable[[Path], None],
    whole: bool,
) -> None:
    shutil.copytree(folder, shell.raw)
    spoiling(shell.raw / IMAGES)
    if not whole:  # whether the others are there must not matter
        (shell.raw / "images_test_rev1.zip").unlink()
    assert shell.download() == 0
    assert re.search(f"{IMAGES} .*; fetching it from Kaggle", shell.err)
    # it may be the user's, so it is kept
    spoiled = shell.raw / f"{IMAGES}.damaged-1"
    assert f"{IMAGES} was set aside as {spoiled.name}" in shell.err
    spoiled.unlink()
    assert is_complete(shell, folder)


def test_a_folder_that_lacks_images_is_told_and_fetched(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    shell.raw.mkdir(parents=True)
    with zipfile.ZipFile(folder / IMAGES) as archive:
        archive.extractall(shell.raw)
    (shell.raw / "images_training_rev1" / "100004.jpg").unlink()
    assert shell.download() == 0
    assert "lacks 1 of the 24 galaxies of training_solutions_rev1.zip" in shell.err
    assert (shell.raw / IMAGES).exists()


@pytest.mark.parametrize("images_are_there", [True, False])
def test_a_table_that_lacks_rows_is_told_and_fetched(
    shell: Shell, stand_in: StandIn, folder: Path, images_are_there: bool
) -> None:
    shell.raw.mkdir(parents=True)
    with zipfile.ZipFile(folder / "all_zeros_benchmark.zip") as archive:
        archive.extractall(shell.raw)
    table = shell.raw / "all_zeros_benchmark.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-2]))
    if images_are_there:
        shutil.copy(folder / "images_test_rev1.zip", shell.raw)
    assert shell.download() == 0
    assert "lacks 2 of the 6 galaxies of images_test_rev1.zip, the first" in shell.err
    assert (shell.raw / "all_zeros_benchmark.zip").exists()
    assert stand_in.ranges.count(("images_test_rev1.zip", 0)) == 1 - images_are_there


def test_a_disk_that_fills_up_is_one_line_and_leaves_no_data(
    shell: Shell, stand_in: StandIn
) -> None:
    shell.raw.mkdir(parents=True)
    (shell.raw / f"{IMAGES}.partial").symlink_to("/dev/full")
    assert shell.download() == 1
    assert shell.error().startswith(f"The disk of {shell.raw} is full: 0 MB are still")
    assert IMAGES not in shell.files()
    assert "receipt.json" not in shell.files()


def test_a_disk_too_small_is_told_before_anything_is_fetched(
    shell: Shell, stand_in: StandIn
) -> None:
    stand_in.sizes[IMAGES] = 10**15
    assert shell.download() == 1
    assert "is full: 1,000,000,000 MB are still to come" in shell.error()
    assert stand_in.calls["DownloadDataFile"] == 0


def start(
    stand_in: StandIn, home: Path, env: dict[str, str], *words: str
) -> subprocess.Popen:
    """A command in a process of its own, which finds the stand-in by its proxy."""
    there = {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "HTTP_PROXY": stand_in.url}
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", *words],
        env={"PATH": os.environ["PATH"], "HOME": str(home)} | there | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )


def ended_well(process: subprocess.Popen) -> str:
    """Waits for it; all it printed."""
    printed = "".join(process.communicate())
    assert process.returncode == 0, printed
    return printed


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_an_interrupted_download_says_so_and_keeps_what_has_come(
    shell: Shell, stand_in: StandIn, tmp_path: Path, number: int, code: int
) -> None:
    stand_in.goes_wrong("storage", times=2)
    stand_in.goes_wrong("storage", stall=100_000)
    partial = shell.raw / f"{IMAGES}.partial"
    words = ("download", "--source=kaggle", f"--work={shell.work}")
    env = {"KAGGLE_API_TOKEN": TOKEN}
    process = start(stand_in, tmp_path / "home", env, *words)
    while not partial.exists() or partial.stat().st_size < 50_000:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == code
    assert "Traceback" not in errors
    assert partial.exists()
    assert not (shell.raw / IMAGES).exists()
    assert shell.download() == 0
    assert stand_in.ranges[-2][1] > 0


def put_kaggle_json(home: Path, folder: str) -> Path:
    path = home / folder / "kaggle.json"
    path.parent.mkdir(parents=True)
    path.write_text(f'{{"username": "{USER}", "key": "{KEY}"}}')
    path.chmod(0o600)
    return path


def put_token(home: Path, name: str) -> Path:
    path = home / ".kaggle" / name
    path.parent.mkdir(parents=True)
    path.write_text(TOKEN)
    return path


@pytest.mark.parametrize(
    ("put", "env"),
    [
        (lambda home: put_token(home, "access_token"), {}),
        (lambda home: put_token(home, "access_token.txt"), {}),
        (lambda home: put_kaggle_json(home, ".kaggle"), {}),
        (lambda home: put_kaggle_json(home, ".config/kaggle"), {}),
        (lambda home: put_kaggle_json(home, "moved"), {"KAGGLE_CONFIG_DIR": "moved"}),
        (put_login, {}),
    ],
    ids=["token", "token.txt", "json", "xdg", "moved", "login"],
)
def test_each_file_the_client_reads_is_found_and_named(
    shell: Shell,
    stand_in: StandIn,
    tmp_path: Path,
    put: Callable[[Path], Path],
    env: dict[str, str],
) -> None:
    home = tmp_path / "home"
    path = put(home)
    env = {name: str(home / value) for name, value in env.items()}
    words = ("download", "--source=kaggle", f"--work={shell.work}")
    printed = ended_well(start(stand_in, home, env, *words))
    assert f"in {path}" in printed
    assert not any(secret in printed for secret in (*SECRETS, "refresh-me"))


def test_no_signed_address_is_shown_by_a_verbose_client(
    shell: Shell, stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.goes_wrong("storage", cut=100)
    env = {"VERBOSE": "1", "KAGGLE_API_TOKEN": TOKEN}
    words = ("download", "--source=kaggle", f"--work={shell.work}")
    words += ("--set=kaggle.first_wait=0",)
    printed = ended_well(start(stand_in, tmp_path / "home", env, *words))
    assert "Connection lost while fetching" in printed
    assert not any(secret in printed for secret in SECRETS)


def test_a_missing_client_is_noticed_by_nothing_but_what_needs_it(
    shell: Shell, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(sys.modules):
        if name.split(".")[0] in ("kaggle", "kagglesdk"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "kaggle", None)
    assert shell.download() == 1
    assert shell.error().startswith("Kaggle's client cannot be loaded: ")
    assert shell.type("leaderboard") == 0
    assert shell.type("status") == 0


SIGNED = "https://storage.test/a.zip?X-Signature=secret"


@pytest.mark.parametrize(
    ("error", "again", "line"),
    [
        (
            requests.exceptions.SSLError(f"{SIGNED} CERTIFICATE_VERIFY_FAILED"),
            False,
            "The certificate of storage.test is not trusted. If a proxy puts in",
        ),
        (
            requests.exceptions.SSLError(f"{SIGNED} UNEXPECTED_EOF_WHILE_READING"),
            True,
            "Connection lost while fetching a file.",
        ),
        (
            requests.exceptions.ChunkedEncodingError(SIGNED),
            True,
            "Connection lost while fetching a file.",
        ),
        (
            requests.exceptions.ConnectTimeout(SIGNED),
            True,
            "storage.test timed out: no answer for a file within 15 s.",
        ),
        (
            requests.exceptions.TooManyRedirects(SIGNED),
            False,
            "Asking for a file failed: TooManyRedirects.",
        ),
    ],
)
def test_a_failure_is_told_without_its_signed_address(
    error: requests.RequestException, again: bool, line: str
) -> None:
    error.request = requests.Request("GET", SIGNED).prepare()
    trouble = trouble_of(error, "a file", "a token in X", KaggleConfig())
    assert str(trouble).startswith(line)
    assert trouble.again == again
    assert "secret" not in str(trouble)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"max_attempts": 0}, "kaggle.max_attempts must be at least 1. Got 0."),
        ({"stall_timeout": 0.0}, "kaggle.stall_timeout must be above 0. Got 0.0."),
        ({"first_wait": -1.0}, "kaggle.first_wait must not be negative. Got -1.0."),
    ],
)
def test_impatience_without_bounds_is_refused(
    settings: dict[str, float], line: str
) -> None:
    with pytest.raises(PipelineError) as refusal:
        KaggleConfig(**settings)
    assert str(refusal.value) == line


def test_what_is_no_known_failure_is_raised_as_it_is() -> None:
    with pytest.raises(ValueError, match="our own mistake"):
        trouble_of(ValueError("our own mistake"), "a file", "a token", KaggleConfig())


def test_the_wait_may_be_given_as_a_date() -> None:
    response = requests.Response()
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
    response.headers["Retry-After"] = format_datetime(soon, usegmt=True)
    assert retry_after(response) == pytest.approx(60, abs=2)
    response.headers["Retry-After"] = "soon"
    assert retry_after(response) is None


def test_no_artifact_holds_a_secret(shell: Shell, stand_in: StandIn) -> None:
    logging.getLogger("urllib3").setLevel(logging.NOTSET)
    shell.download()
    for path in shell.work.rglob("*.json"):
        assert not any(secret in path.read_text() for secret in SECRETS)


def test_files_beside_those_that_count_are_told_of(
    shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    shutil.copytree(folder, shell.raw)
    shutil.copy(folder / IMAGES, shell.work / "raw")
    assert shell.download() == 0
    line = f"{shell.raw} counts; the files beside it in {shell.work}/raw are not read"
    assert line in shell.err
