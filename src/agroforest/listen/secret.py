"""Secrets: read from the environment or a file of their own, and never shown."""

import ipaddress
import os
from pathlib import Path

from agroforest.core.errors import ConfigurationError

_SHORTEST_TOKEN = 16


def resolve_secret(where: str, variable: str, file: Path | None) -> str:
    """Read a secret from the environment or a file; it is never shown.

    Raises
    ------
    ConfigurationError
        It is not there.
    """
    if file is not None:
        try:
            secret = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                file, "the secret in it cannot be read", "mend the file"
            ) from error
    else:
        secret = os.environ.get(variable, "")
    if not secret:
        place = f"the variable {variable}" if file is None else str(file)
        raise ConfigurationError(where, "its secret is empty", f"put it into {place}")
    return secret


def resolve_token(variable: str, file: Path | None) -> str:
    """Read the webhook's token.

    Raises
    ------
    ConfigurationError
        It is not there, or can be guessed.
    """
    token = resolve_secret("webhook", variable, file)
    if len(token) < _SHORTEST_TOKEN or not token.isascii():
        raise ConfigurationError(
            "webhook",
            f"its token has fewer than {_SHORTEST_TOKEN} plain characters",
            "make one with `openssl rand -hex 24`",
        )
    return token


def is_local(host: str) -> bool:
    """Whether only this machine reaches a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
