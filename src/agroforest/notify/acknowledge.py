"""The link in a message: who follows it and presses the button has read the message.

The token stands for one message and nothing else; it opens no account. It is signed
with a key that lies in the work folder, so that it can be neither guessed nor made.
"""

import base64
import binascii
import hmac
import os
import re
from hashlib import sha256
from pathlib import Path

from agroforest.core.errors import DataError

#: Where the page is; the token comes behind it.
PATH = "/a/"
#: Name of the file in the work folder that holds the key.
KEY_FILE = "notify.key"
_KEY_BYTES = 32
_KEY = re.compile(r"[0-9a-f]{24}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
#: Bytes of the signature that are kept: 96 bits, checked by our server alone.
_KEPT = 12


def read_key(path: Path) -> bytes:
    """Read the key that tokens are signed with, and make it where there is none.

    Parameters
    ----------
    path
        Its file; only its owner can read it.

    Returns
    -------
    bytes
        32 bytes.

    Raises
    ------
    DataError
        The file is damaged, or others can read it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.urandom(6).hex()}.part")
    if not path.exists():
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(os.urandom(_KEY_BYTES))
                stream.flush()
                os.fsync(stream.fileno())
            # Who comes first makes it; a rename would replace another's key.
            os.link(scratch, path)
        except FileExistsError:
            pass
        finally:
            scratch.unlink(missing_ok=True)
    if path.stat().st_mode & 0o077:
        raise DataError(path, "can be read by others", f"chmod 600 {path.name}")
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise DataError(
            path, f"has {len(key)} bytes", "remove it; links sent before then end"
        )
    return key


def sign(secret: bytes, key: str) -> str:
    """Make the token of a message.

    Parameters
    ----------
    secret
        From `read_key`.
    key
        Of the message, as `agroforest.notify.policy.name_message` makes it.

    Returns
    -------
    str
        32 characters that a URL takes as they are.
    """
    plain = bytes.fromhex(key)
    return base64.urlsafe_b64encode(plain + _seal(secret, plain)).decode()


def verify(secret: bytes, token: str) -> str | None:
    """Key of the message that a token stands for; ``None`` if nobody signed it."""
    if not _TOKEN.fullmatch(token):
        return None
    try:
        whole = base64.urlsafe_b64decode(token)
    except binascii.Error:
        return None
    plain, seal = whole[:-_KEPT], whole[-_KEPT:]
    if not hmac.compare_digest(_seal(secret, plain), seal):
        return None
    key = plain.hex()
    return key if _KEY.fullmatch(key) else None


def link_to(base: str, secret: bytes, key: str) -> str:
    """Address that a message shows; empty where the desk has none."""
    return f"{base}{PATH}{sign(secret, key)}" if base else ""


def _seal(secret: bytes, plain: bytes) -> bytes:
    made = hmac.digest(secret, b"acknowledge:" + plain, sha256)
    return made[:_KEPT]
