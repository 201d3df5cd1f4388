"""Secrets taken out of text that people and programs will read."""

import os
import re
from collections.abc import Mapping

#: Stands for what was taken out.
HIDDEN = "***"

#: Variables whose value is a secret as a whole.
_SECRET_NAME = re.compile(
    r"(SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|(API|ACCESS|MAP|SIGNING)_?KEY)$"
)
#: Shorter values are words that stand elsewhere in a text, too. Arbitrary.
_SHORT = 6

#: ``scheme://user:password@host``, also without a user.
_USERINFO = re.compile(
    r"(?P<name>[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/?#@\"'<>]*:[^\s/\"'<>]*@"
)
_NAMES = (
    r"[\w.-]*(?:token|secret|passw(?:or)?d|passphrase|credential|signature"
    r"|(?:api|access|map)[_-]?key)"
)
#: Fields of queries, forms and connection strings; of JSON; a password in words.
_FIELD = re.compile(
    rf"(?P<name>\b(?:{_NAMES}|(?<=[?&])(?:key|sig|code|state))\s?=\s?[\"']?)"
    r"[^\s&\"'<>;,)]+",
    re.IGNORECASE,
)
_JSON = re.compile(
    rf"(?P<name>[\"'](?:{_NAMES}|key|sig)[\"']\s*:\s*[\"'])[^\"']+", re.IGNORECASE
)
_WORDS = re.compile(r"(?P<name>\bpassw(?:or)?d:\s?)\S+", re.IGNORECASE)
#: What a header of a request carries.
_HEADER = re.compile(r"(?P<name>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_COOKIE = re.compile(r"(?P<name>\b(?:set-)?cookie:\s*)[^\r\n]+", re.IGNORECASE)
#: Robots of chat services and FIRMS have their secret in the path.
_PATH = re.compile(
    r"(?P<name>/(?:bot/v2/hook|bot/hook|robot/hook|services"
    r"|api/(?:area|country)/csv|webhooks/\d+)/)[^\s?#\"'<>]+"
)
_PEM = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_PATTERNS = (_USERINFO, _COOKIE, _HEADER, _PATH, _FIELD, _JSON, _WORDS)


def redact(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Take secrets out of a text.

    Parameters
    ----------
    text
        Anything that will be logged or shown.
    environment
        Variables whose values are secrets, by their names; those of this process
        unless given.

    Returns
    -------
    str
        Without credentials in addresses, values of fields that are called secret,
        token, password or key, authorisation headers, cookies, private keys, and
        values of such variables, wherever they stand.
    """
    for value in _find_values(os.environ if environment is None else environment):
        text = text.replace(value, HIDDEN)
    text = _PEM.sub(HIDDEN, text)
    for pattern in _PATTERNS:
        text = pattern.sub(_hide, text)
    return text


def _hide(found: re.Match[str]) -> str:
    end = "@" if found.re is _USERINFO else ""
    return f"{found['name']}{HIDDEN}{end}"


def _find_values(environment: Mapping[str, str]) -> list[str]:
    """Secret values, the longest first: one may be part of another."""
    found = {
        value
        for name, value in environment.items()
        if len(value) >= _SHORT and _SECRET_NAME.search(name.upper())
    }
    return sorted(found, key=len, reverse=True)
