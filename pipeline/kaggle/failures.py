"""What goes wrong with Kaggle or on the way there, each in one line."""

import json
import re
import time
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import PipelineError
from pipeline.kaggle.credentials import LOG_IN, TOKENS
from pipeline.kaggle.way import proxies
from pipeline.settings.schema import KaggleConfig

COMPETITION = "galaxy-zoo-the-galaxy-challenge"
PAGE = f"https://www.kaggle.com/c/{COMPETITION}"
RULES = f"{PAGE}/rules"


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


class Refused(KaggleTrouble):
    """Kaggle does not take the credentials."""


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
        return nonsense(what)
    if isinstance(error, requests.exceptions.InvalidProxyURL):
        return KaggleTrouble(
            "HTTPS_PROXY or HTTP_PROXY is not the address of a proxy. Write it as "
            "http://HOST:PORT."
        )
    if isinstance(error, requests.RequestException):
        return KaggleTrouble(f"Asking for {what} failed: {type(error).__name__}.")
    if isinstance(error, OSError):
        return KaggleTrouble(
            f"Kaggle's client fails over {what} with {credential}: {error.strerror}."
        )
    raise error


def nonsense(what: str) -> KaggleTrouble:
    return KaggleTrouble(
        f"What came for {what} is not from Kaggle: a page where data should be. "
        "Does a proxy or a log-in page stand in between?"
    )


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
            f"{host} timed out: no answer for {what} within {limit:g} s.", again=True
        )
    cut = requests.exceptions.ChunkedEncodingError | requests.exceptions.SSLError
    if isinstance(error, cut) or type(error).__module__.startswith("urllib3."):
        return KaggleTrouble(f"Connection lost while fetching {what}.", again=True)
    if not isinstance(error, requests.ConnectionError | ConnectionError):
        return None
    if "Connection aborted" in str(error) or isinstance(error, ConnectionError):
        return KaggleTrouble(f"Connection lost while fetching {what}.", again=True)
    return KaggleTrouble(
        f"Cannot reach {host}.",
        "Is there a network? Behind a proxy, set HTTPS_PROXY.",
        again=True,
    )


def answered(response: Any, what: str, credential: str) -> KaggleTrouble:
    """What a status from 400 on means, by who sent it: Kaggle or its storage."""
    status = response.status_code
    if response.history and status not in (407, 429):  # redirected: the storage's
        return KaggleTrouble(storage_error(status, what), again=status != 404)
    if status == 401:
        return Refused(refused(credential))
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
            f"Kaggle has a server error ({status}).",
            "Run it again in some minutes.",
            again=True,
        )
    return KaggleTrouble(f"Kaggle refuses {what} ({status}{words}).")


def storage_error(status: int, what: str) -> str:
    kind = "has a server error" if status >= 500 else "answers"
    return f"Kaggle's storage {kind} ({status}) for {what}."


def refused(credential: str) -> str:
    remedy = f"Make a new token at {TOKENS} and put it there."
    if credential.startswith("the login"):
        remedy = f'Log in again with "{LOG_IN}".'
    return (
        f"Kaggle refuses {credential} (401): it is wrong, expired or revoked. {remedy}"
    )


def server_words(response: Any) -> str:
    """The server's own message, one short line of it; empty if there is none."""
    try:
        message = response.json()["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    line = " ".join(str(message).split())[:200].rstrip(".")
    return f": {line}" if line else ""


def retry_after(response: Any) -> float | None:
    """The seconds to wait that the response names, as a number or as a date."""
    from email.utils import parsedate_to_datetime

    text = response.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, round(parsedate_to_datetime(text).timestamp() - time.time()))
    except (TypeError, ValueError, OverflowError):
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


def capital(text: str) -> str:
    return text[0].upper() + text[1:]
