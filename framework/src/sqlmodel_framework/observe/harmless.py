"""Texts that may hold a URL, without what may be a secret in it."""

from __future__ import annotations

import re

__all__ = ["without_url_secrets"]

# A password may hold an @ or a / that nobody has quoted: behind a colon, unless it is that of a port, the
# last @ counts.
_USERINFO = re.compile(r"(?<=://)(?:[^\s/?#:@]*:(?!\d*/)[^\s?#'\"]*@|[^\s/?#'\"]*@)")
_QUERY = re.compile(r"(\w://[^\s?#'\"]*|/[^\s?#'\"]*)[?#][^\s'\")]*")


def without_url_secrets(text: str) -> str:
    """A text in which every URL, and every path of one, has lost its user, password, query and fragment."""
    return _QUERY.sub(r"\1", _USERINFO.sub("", text))
