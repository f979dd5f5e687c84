"""Kaggle's official client, made quiet, bounded in time, and clear in its failures."""

import contextlib
import io
import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pipeline.errors import PipelineError
from pipeline.kaggle.credentials import find_credentials
from pipeline.settings.schema import KaggleConfig

COMPETITION = "galaxy-zoo-the-galaxy-challenge"
PAGE = f"https://www.kaggle.com/c/{COMPETITION}"
RULES = f"{PAGE}/rules"
TOKENS = "https://www.kaggle.com/settings"
BLOCK = 256 * 1024  # bytes read at once, at most
CRAWL = 4 * 1024  # fewer bytes than this in stall_timeout are a stall
LONGEST_BACK_OFF = 60.0  # seconds
PAGE_SIZE, MOST_PAGES = 100, 100

Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


class KaggleTrouble(PipelineError):
    """Kaggle, or the way there, failed.

    Attributes:
        text: what happened, without the remedy.
        again: whether another try may help.
        wait: seconds that Kaggle asks to wait.
    """

    def __init__(
        self,
        text: str,
        remedy: str = "",
        again: bool = False,
        wait: float | None = None,
    ) -> None:
        if again and not remedy:
            remedy = "Run it again later."
        super().__init__(f"{text} {remedy}".strip())
        self.text, self.again, self.wait = text, again, wait


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
            sizes |= {file.name: int(file.total_bytes) for file in page.files}
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


def connect(patience: KaggleConfig) -> Kaggle:
    """Logs in.

    Raises:
        PipelineError: no credentials, refused ones, no client, no way to Kaggle.
    """
    credential = find_credentials()
    if not credential:
        raise PipelineError(
            f"No Kaggle credentials found. Make a token at {TOKENS} and put it in "
            "KAGGLE_API_TOKEN or ~/.kaggle/access_token."
        )
    log.info("Kaggle: using %s", credential)

    def log_in() -> Any:
        with asking("the log-in", credential, patience):
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
        raise KaggleTrouble(refused(credential)) from None
    except (OSError, ValueError) as error:
        # from None: a cause would be printed with its addresses and headers
        raise trouble_of(error, what, credential, patience) from None
    except Exception as error:
        if not type(error).__module__.startswith("urllib3."):
            raise
        raise trouble_of(error, what, credential, patience) from None


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


def trouble_of(
    error: Exception, what: str, credential: str, patience: KaggleConfig
) -> KaggleTrouble:
    """A failure in one line, without the error's own text: that may hold secrets."""
    import requests

    response = getattr(error, "response", None)
    if isinstance(error, requests.HTTPError) and response is not None:
        return answered(response, what, credential)
    trouble = trouble_on_the_way(error, what, patience)
    if trouble is not None:
        return trouble
    if isinstance(error, requests.exceptions.InvalidHeader | UnicodeError) or (
        "Invalid header value" in str(error)
    ):
        return KaggleTrouble(
            f"{capital(credential)} holds characters that no credential has, such as "
            "a line end or a quote. Copy it again."
        )
    if isinstance(error, requests.exceptions.JSONDecodeError | json.JSONDecodeError):
        return KaggleTrouble(
            f"What came for {what} is not from Kaggle: a page where data should be. "
            "Does a proxy or a log-in page stand in between?"
        )
    if isinstance(error, requests.exceptions.InvalidProxyURL):
        return KaggleTrouble("HTTPS_PROXY or HTTP_PROXY is not the address of a proxy.")
    if isinstance(error, requests.RequestException):
        return KaggleTrouble(f"Asking for {what} failed: {type(error).__name__}.")
    if isinstance(error, OSError):
        return KaggleTrouble(
            f"Kaggle's client fails over {what} with {credential}: {error.strerror}."
        )
    raise error


def trouble_on_the_way(
    error: Exception, what: str, patience: KaggleConfig
) -> KaggleTrouble | None:
    """A connection that fails, is cut or stalls; None if it is something else."""
    import requests

    host = host_of(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return proxy_trouble(error)
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return KaggleTrouble(
            f"The certificate of {host} is not trusted. If a proxy puts in its own, "
            "let REQUESTS_CA_BUNDLE name its certificate file."
        )
    if isinstance(error, requests.Timeout) or "Timeout" in type(error).__name__:
        limit = patience.stall_timeout
        if isinstance(error, requests.ConnectTimeout):
            limit = patience.connect_timeout
        return KaggleTrouble(
            f"{host} went silent over {what} for {limit:g} s.", again=True
        )
    cut = requests.exceptions.ChunkedEncodingError | requests.exceptions.SSLError
    if isinstance(error, cut) or type(error).__module__.startswith("urllib3."):
        return KaggleTrouble(f"The connection broke over {what}.", again=True)
    if not isinstance(error, requests.ConnectionError | ConnectionError):
        return None
    if "Connection aborted" in str(error) or isinstance(error, ConnectionError):
        return KaggleTrouble(f"The connection broke over {what}.", again=True)
    return KaggleTrouble(
        f"Cannot reach {host}.",
        "Is there a network? Behind a proxy, set HTTPS_PROXY.",
        again=True,
    )


def answered(response: Any, what: str, credential: str) -> KaggleTrouble:
    """What a status from 400 on means, by who sent it: Kaggle or its storage."""
    status = response.status_code
    if response.history and status not in (407, 429):  # redirected: the storage's
        return KaggleTrouble(
            f"Kaggle's storage answers {status} for {what}.", again=status != 404
        )
    if status == 401:
        return KaggleTrouble(refused(credential))
    words = server_words(response)
    if status == 403:
        return KaggleTrouble(
            f"Kaggle refuses {what} (403{words}). Accept the competition's rules at "
            f"{RULES} with the account of {credential}."
        )
    if status == 404:
        return KaggleTrouble(
            f"Kaggle does not know {what} (404{words}). See {PAGE}/data."
        )
    if status == 407:
        return proxy_trouble(407)
    if status == 429:
        wait = retry_after(response)
        asked = f"asks to wait {wait:g} s" if wait is not None else "asks to wait"
        return KaggleTrouble(
            f"Kaggle {asked}: too many requests (429).",
            "Run it again then.",
            again=True,
            wait=wait,
        )
    if status >= 500:
        return KaggleTrouble(
            f"Kaggle is in trouble ({status}).",
            "Run it again in some minutes.",
            again=True,
        )
    return KaggleTrouble(f"Kaggle refuses {what} ({status}{words}).")


def refused(credential: str) -> str:
    remedy = f"Make a new token at {TOKENS} and put it there."
    if credential.startswith("the login"):
        remedy = 'Log in again with "kaggle auth login".'
    return (
        f"Kaggle refuses {credential} (401): it is wrong, expired or revoked. {remedy}"
    )


def server_words(response: Any) -> str:
    """The server's own message, one short line of it; empty if there is none."""
    try:
        message = response.json()["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    line = " ".join(str(message).split())[:200].rstrip(".")
    return f": {line}" if line else ""


def retry_after(response: Any) -> float | None:
    """The seconds to wait that the response names, as a number or as a date."""
    from email.utils import parsedate_to_datetime

    text = response.headers.get("Retry-After", "")
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, round(parsedate_to_datetime(text).timestamp() - time.time()))
    except (TypeError, ValueError):
        return None


def host_of(error: Exception) -> str:
    """Whom the request went to; not its path, which may be signed."""
    url = getattr(getattr(error, "request", None), "url", None)
    return (urlsplit(url).hostname if url else None) or "Kaggle"


def proxy_trouble(error: Exception | int) -> KaggleTrouble:
    """A proxy's refusal, told by its status where it gave one."""
    status = re.search(r"Tunnel connection failed: (\d{3})|^(407)$", str(error))
    reason = f" (it answers {status[1] or status[2]})" if status else ""
    return KaggleTrouble(
        f"The proxy {proxies()} does not let Kaggle through{reason}.",
        "Set it right, with name and password if it wants them, or unset it.",
        again=not status,
    )


def proxies() -> str:
    """The proxies the environment names, without the passwords in them."""
    from urllib.request import getproxies

    named = {
        scheme: urlsplit(address if "//" in address else f"//{address}")
        for scheme, address in getproxies().items()
        if scheme in ("http", "https", "all")
    }
    hosts = [
        f"{scheme.upper()}_PROXY={parts.netloc.rpartition('@')[2]}"
        for scheme, parts in sorted(named.items())
    ]
    return f"({', '.join(hosts)})" if hosts else "on the way"


def capital(text: str) -> str:
    return text[0].upper() + text[1:]
