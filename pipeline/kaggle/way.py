"""The way to Kaggle: which proxies are named, and whether a token may go over it."""

import ipaddress
import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from pipeline.errors import PipelineError

ENVIRONMENTS = ("PROD", "LOCALHOST", "ADMIN", "STAGING", "QA", "TEST")
RESERVED = re.compile(r"[/?#\[\]\\\s]")  # in a name or password they end the host


def named_proxies() -> Iterator[tuple[str, str]]:
    """The variables that name a proxy, each with the address in it."""
    from urllib.request import getproxies

    for scheme, address in sorted(getproxies().items()):
        if scheme in ("http", "https", "all"):
            yield f"{scheme.upper()}_PROXY", address


def proxies() -> str:
    """The proxies the environment names: nothing that could be a password."""
    hosts = [f"{name}={host_and_port(address)}" for name, address in named_proxies()]
    return f"({', '.join(hosts)})" if hosts else "on the way"


def host_and_port(address: str) -> str:
    """What follows the last @, up to a path."""
    return re.split(r"[/?#\s]", without_scheme(address).rpartition("@")[2])[0]


def without_scheme(address: str) -> str:
    return re.sub(r"^[A-Za-z][\w+.-]*://|^//", "", address)


def check_proxies() -> None:
    """Refuses a proxy's address that would be read as another one.

    Raises:
        PipelineError: it names the variable, and never what is in the password.
    """
    for name, address in named_proxies():
        login, _, rest = without_scheme(address.strip()).rpartition("@")
        if RESERVED.search(login):
            raise PipelineError(
                f"The user name or password in {name} (of {host_and_port(address)}) "
                'holds a character that ends a host\'s name, such as "/" or "#". Write '
                'it as %XX: "/" is %2F, "#" is %23, "?" is %3F, "[" is %5B, "]" is %5D.'
            )
        if not is_address(rest):
            raise PipelineError(
                f"{name} is not the address of a proxy. Write it as http://HOST:PORT."
            )


def is_address(text: str) -> bool:
    """Whether it is a host, with or without a port."""
    try:
        parts = urlsplit(f"//{text}")
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def check_way() -> None:
    """Refuses to send a token in plain text to anywhere but this machine.

    Raises:
        PipelineError: no such environment, plain http to elsewhere, or a proxy whose
            address is not one.
    """
    check_proxies()
    endpoint = kaggle_endpoint()
    parts = urlsplit(endpoint)
    if parts.scheme == "https":
        return
    proxy = proxy_of(endpoint)
    for place in (parts.hostname, proxy and urlsplit(proxy).hostname):
        if place and not is_loopback(place):
            raise PipelineError(
                f"The credentials would go to {place} in plain text, by {endpoint}. "
                "Unset KAGGLE_API_ENVIRONMENT, or the proxy."
            )


def asks_stand_in() -> bool:
    """Whether the client is told to ask a server on this machine in Kaggle's place."""
    return os.environ.get("KAGGLE_API_ENVIRONMENT") in ("LOCALHOST", "TEST")


def kaggle_endpoint() -> str:
    """Where the client sends what it asks."""
    named = os.environ.get("KAGGLE_API_ENVIRONMENT", "PROD")
    if named not in ENVIRONMENTS:
        raise PipelineError(
            f'KAGGLE_API_ENVIRONMENT is "{named}", which Kaggle\'s client does not '
            "know. Unset it."
        )
    from kagglesdk.kaggle_env import get_endpoint, get_env

    return get_endpoint(get_env())


def proxy_of(endpoint: str) -> str | None:
    """The proxy that the client would go through, with its scheme."""
    from requests.utils import (
        get_environ_proxies,
        prepend_scheme_if_needed,
        select_proxy,
    )

    proxy = select_proxy(endpoint, get_environ_proxies(endpoint))
    return prepend_scheme_if_needed(proxy, "http") if proxy else None


def is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
