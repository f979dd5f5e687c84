"""Kaggle's official client, made quiet, bounded in time, and clear in its failures."""

import contextlib
import io
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pipeline.errors import PipelineError
from pipeline.kaggle.credentials import TOKENS, find_credentials, readable_by_others
from pipeline.kaggle.failures import (
    COMPETITION,
    KaggleTrouble,
    Refused,
    nonsense,
    refused,
    trouble_of,
)
from pipeline.kaggle.way import check_way
from pipeline.settings.schema import KaggleConfig

BLOCK = 256 * 1024  # bytes read at once, at most
CRAWL = 4 * 1024  # fewer bytes than this in stall_timeout are a stall
LONGEST_BACK_OFF = 60.0  # seconds
PAGE_SIZE, MOST_PAGES = 100, 100

Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kaggle:
    """The official client, logged in.

    Attributes:
        client: a `KaggleApi`.
        credential: which credential it uses, not its value.
        patience: how long it is waited for.
    """

    client: Any
    credential: str
    patience: KaggleConfig

    def ask(self, what: str, question: Callable[[Any], Answer]) -> Answer:
        """What the client answers, asked again while that may help."""
        return persistent(lambda: self.ask_once(what, question), self.patience)

    def ask_once(self, what: str, question: Callable[[Any], Answer]) -> Answer:
        with asking(what, self.credential, self.patience):
            return question(self.client)

    def file_sizes(self) -> dict[str, int]:
        """The competition's files and their sizes in bytes, as Kaggle lists them."""
        sizes: dict[str, int] = {}
        token = ""
        for _ in range(MOST_PAGES):
            page = self.ask(
                "the list of files",
                lambda client, token=token: client.competition_list_files(
                    COMPETITION, token or None, PAGE_SIZE
                ),
            )
            sizes |= {
                file.name: int(file.total_bytes or 0) for file in page.files or []
            }
            token = page.next_page_token
            if not token:
                break
        return sizes

    def open_file(self, name: str, start: int) -> Any:
        """The response that brings a competition file from byte `start` on."""
        from kagglesdk.competitions.types.competition_api_service import (
            ApiDownloadDataFileRequest,
        )

        request = ApiDownloadDataFileRequest()
        request.competition_name, request.file_name = COMPETITION, name
        # the client has no word for the rest of a file, and adds its own compression
        headers = {"Range": f"bytes={start}-", "Accept-Encoding": "identity"}
        with (
            asking(name, self.credential, self.patience, headers),
            self.client.build_kaggle_client() as kaggle,
        ):
            return kaggle.competitions.competition_api_client.download_data_file(
                request
            )

    def blocks(self, name: str, response: Any) -> Iterator[bytes]:
        """The response's bytes as they come; a stalled connection is given up."""
        patience = self.patience
        since, received = time.monotonic(), 0
        with contextlib.closing(response):
            while True:
                with asking(name, self.credential, patience):
                    block = response.raw.read1(BLOCK)
                if not block:
                    return
                yield block
                received += len(block)
                if time.monotonic() - since > patience.stall_timeout:
                    if received < CRAWL:
                        raise KaggleTrouble(
                            f"{name} stalled: {received} bytes in "
                            f"{patience.stall_timeout:g} s.",
                            again=True,
                        )
                    since, received = time.monotonic(), 0

    def submissions(self, pages: int = MOST_PAGES) -> list[Any]:
        """The team's submissions, newest first, each with the fields of the client."""
        found: dict[int, Any] = {}
        for page in range(1, pages + 1):
            listed = self.ask(
                "the list of submissions",
                lambda client, page=page: client.competition_submissions(
                    COMPETITION, page_number=page, page_size=PAGE_SIZE
                ),
            )
            fresh = {entry.ref: entry for entry in listed or [] if entry}
            if not fresh.keys() - found.keys():
                break
            found |= fresh
        return sorted(found.values(), key=lambda entry: entry.ref, reverse=True)

    def limits(self) -> Any | None:
        """How many uploads were made and are left today; None where Kaggle is silent.

        Before the first submission of a team it answers zeros, which say nothing.
        """
        try:
            limits = self.ask_once(
                "the limit of uploads",
                lambda client: client.competition_get_submission_limits(COMPETITION),
            )
        except KaggleTrouble:
            return None
        return limits if limits.num_total or limits.num_allowed_now else None

    def submit(self, file: Path, message: str) -> tuple[int, str]:
        """Uploads a submission, once.

        Returns:
            Its reference, 0 if it came to nothing, and what the client says.
        """
        answer = self.ask_once(
            "the upload",
            lambda client: client.competition_submit(
                str(file), message, COMPETITION, quiet=True
            ),
        )
        return answer.ref, answer.message


class NoCredentials(PipelineError):
    """Nobody has said who we are to Kaggle."""


def connect(patience: KaggleConfig) -> Kaggle:
    """Logs in.

    Raises:
        PipelineError: no credentials, refused ones, no client, no way to Kaggle.
    """
    credential = find_credentials()
    if not credential:
        raise NoCredentials(
            f"No Kaggle credentials found. Make a token at {TOKENS} and put it in "
            "KAGGLE_API_TOKEN or ~/.kaggle/access_token."
        )
    log.info("Kaggle: using %s", credential)
    for line in readable_by_others():
        log.warning("%s", line)

    def log_in() -> Any:
        with asking("the log-in", credential, patience):
            check_way()
            for name in ("VERBOSE", "VERBOSE_OUTPUT"):
                # it would print headers, and read whole files to print them too
                os.environ.pop(name, None)
            # warnings of retries show signed addresses
            logging.getLogger("urllib3").setLevel(logging.ERROR)
            from kaggle.api.kaggle_api_extended import KaggleApi

            client = KaggleApi()
            client.authenticate()
            return client

    return Kaggle(persistent(log_in, patience), credential, patience)


def persistent(ask: Callable[[], Answer], patience: KaggleConfig) -> Answer:
    """Asks until there is an answer, or trouble that no further try mends."""
    failures = 0
    while True:
        try:
            return ask()
        except KaggleTrouble as trouble:
            failures += 1
            pause(trouble, failures, patience)


def pause(
    trouble: KaggleTrouble, failures: int, patience: KaggleConfig, kept: str = ""
) -> None:
    """Waits before another try; raises the trouble where there is none left.

    Args:
        trouble: what happened.
        failures: how many there were in a row.
        patience: how many there may be.
        kept: what has come so far, in a sentence.
    """
    wait = trouble.wait
    if wait is None:
        wait = min(patience.first_wait * 2 ** (failures - 1), LONGEST_BACK_OFF)
    elif wait > patience.max_wait:
        raise trouble
    if not trouble.again:
        raise trouble
    if failures >= patience.max_attempts:
        raise KaggleTrouble(f"{trouble} {kept}".strip()) from None
    log.warning(
        "%s",
        f"{trouble.text} {kept}".strip()
        + f" Trying again in {wait:g} s ({failures + 1} of {patience.max_attempts}).",
    )
    time.sleep(wait)


@contextlib.contextmanager
def asking(
    what: str,
    credential: str,
    patience: KaggleConfig,
    headers: dict[str, str] | None = None,
) -> Iterator[None]:
    """Inside, the client is quiet, bounded in time, and fails with a KaggleTrouble.

    Args:
        what: is asked for, in words.
        credential: which credential is used, not its value.
        patience: how long an answer is waited for.
        headers: added to every GET.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()), bounded(patience, headers):
            yield
    except ImportError as error:
        raise PipelineError(
            f"Kaggle's client cannot be loaded: {error.msg}. Install what "
            "requirements.txt lists; ./run.sh does so."
        ) from None
    except SystemExit as end:  # its way to say that it found nothing it could use
        if end.code != 1:  # somebody else's: the process is asked to end
            raise
        raise Refused(refused(credential)) from None
    except (TypeError, KeyError, AttributeError) as error:
        if not is_of_client(error):
            raise
        raise nonsense(what) from None  # JSON, but not of the form that was agreed
    except (OSError, ValueError) as error:
        # from None: a cause would be printed with its addresses and headers
        raise trouble_of(error, what, credential, patience) from None
    except Exception as error:
        if not type(error).__module__.startswith("urllib3."):
            raise
        raise trouble_of(error, what, credential, patience) from None


def is_of_client(error: Exception) -> bool:
    """Whether it is Kaggle's client that stumbled, over an answer."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    name = place.tb_frame.f_globals.get("__name__", "") if place else ""
    return name.split(".")[0] in ("kaggle", "kagglesdk")


@contextlib.contextmanager
def bounded(
    patience: KaggleConfig, headers: dict[str, str] | None = None
) -> Iterator[None]:
    """Gives every request a time-out, since the client sets none, and no retries.

    The client makes its sessions itself, the first one while it is imported; what
    they have in common is the adapter that sends.
    """
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    send = HTTPAdapter.send

    def bounded_send(
        self: HTTPAdapter,
        request: Any,
        stream: bool = False,
        timeout: Any = None,
        **options: Any,
    ) -> Any:
        self.max_retries = Retry(0, read=False)  # the uploader's own take minutes
        if request.method == "GET":
            request.headers.update(headers or {})
        limit = (patience.connect_timeout, patience.stall_timeout)
        return send(self, request, stream, timeout or limit, **options)

    HTTPAdapter.send = bounded_send
    try:
        yield
    finally:
        HTTPAdapter.send = send
