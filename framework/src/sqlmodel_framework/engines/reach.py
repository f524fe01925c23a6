"""Why a server cannot be reached, in words that are the same for every driver."""

from __future__ import annotations

import re

from ..errors import DatakitError, TargetError, UnavailableError
from ..targets.target import Target

__all__ = ["why_unreachable"]

_UNKNOWN_HOST = re.compile(
    r"could not translate host name|Name or service not known|Temporary failure in name resolution|"
    # The last one is what Microsoft's driver says where it says no more.
    r"No address associated with hostname|nodename nor servname|Error code 0x2AF9"
)
_CLOSED_PORT = re.compile(r"Connection refused|Error code 0x274D")
_NO_WAY = re.compile(r"No route to host|Network is unreachable")
_NO_ANSWER = re.compile(r"timeout expired|timed out")
_NO_TLS = re.compile(r"server does not support SSL|SSL is required but the server doesn't support it")
_UNTRUSTED = re.compile(
    r"certificate verify failed|server certificate for|CERTIFICATE_VERIFY_FAILED|root certificate file"
)
_ONLY_TLS = re.compile(
    r"no pg_hba\.conf entry.*no encryption|--require_secure_transport|requires secure transport"
)


def why_unreachable(text: str, target: Target) -> DatakitError | None:
    """The error that a driver's words about a connection that was not made mean, or None for others.

    Args:
        text: the driver's words, on one line, without any secret.
        target: the target.
    """
    host = _host(target)
    place = f"port {target.url.port} of {host}" if target.url.port else host

    def refused(what: str, hint: str) -> DatakitError:
        return TargetError(f"target {target.name}: {what}", hint=hint, target=target.name)

    def unavailable(what: str, hint: str) -> DatakitError:
        return UnavailableError(
            f"target {target.name} cannot be reached: {what}", hint=hint, target=target.name
        )

    if _NO_TLS.search(text):
        return refused("the server offers no TLS", "switch it on there, or ask for less with tls")
    if _UNTRUSTED.search(text):
        return refused(
            f"the server's certificate is not trusted: {_reason(text)}",
            "name the host that the certificate is for, and in tls_ca the authority that signed it",
        )
    if _ONLY_TLS.search(text):
        return refused("the server takes this user with TLS only, or not from here", "set tls to verify-full")
    if _UNKNOWN_HOST.search(text):
        return unavailable(f"the host name {host} does not resolve", "check the name, and this machine's DNS")
    if _CLOSED_PORT.search(text) and "on socket" not in text:
        return unavailable(f"nobody listens on {place}", "check host and port, and that the server runs")
    if _NO_WAY.search(text):
        return unavailable(f"there is no way to {host}", "check the network, a VPN, and firewalls")
    if _NO_ANSWER.search(text):
        return unavailable(
            f"no answer from {place} within {target.connect_timeout} s",
            "check host, port and firewalls, or raise connect_timeout",
        )
    return None


def _host(target: Target) -> str:
    found = target.url.host or target.url.query.get("host") or "localhost"
    return found if isinstance(found, str) else ", ".join(found)


def _reason(text: str) -> str:
    """What comes after the driver's own account of whom it talked to."""
    for before in ("failed: ", "SSL error: ", "CERTIFICATE_VERIFY_FAILED] "):
        text = text.partition(before)[2] or text
    return text.partition(" (_ssl.c:")[0].strip("()'\" ")
