"""Bytes that are counted and digested as they pass."""

import hashlib
from typing import Protocol


class Content(Protocol):
    """Bytes of one file, to be read from its beginning to its end."""

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes; none at the end."""


class Digesting:
    """Content that knows the SHA-256 of what was read of it.

    Parameters
    ----------
    content
        Where the bytes come from.
    """

    def __init__(self, content: Content) -> None:
        self._content = content
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of all bytes read so far, hexadecimal."""
        return self._hash.hexdigest()

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes; none at the end."""
        piece = self._content.read(size)
        self._hash.update(piece)
        return piece
