"""Passwords: how they are kept, and how one is compared with what is kept."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from agroforest.core.errors import DataError

#: Shortest and longest password. NIST SP 800-63B-4, 3.1.1.2: at least 15 characters
#: where nothing else is asked, at least 64 allowed; the shorter one of OWASP ASVS
#: 5.0, 6.2.1, since log-ins are counted here. Longer ones cost only time.
SHORTEST, LONGEST = 8, 256

# OWASP Password Storage Cheat Sheet: Argon2id, 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Each takes 19 MiB: many log-ins at once must not take all the memory. Arbitrary.
_AT_ONCE = threading.BoundedSemaphore(4)
# Of a password that nobody has, so that an unknown name takes as long as a known one.
_NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$RKoCigRMjyKJFgiocdPdHw"
    "$94RXuyGpMSyMlx7rPff2THV6V3OrSk35KOZGZ/ZEGR0"
)


def hash_password(password: str) -> str:
    """Hash a password with a salt of its own.

    Returns
    -------
    str
        Argon2id with its parameters, as PHC writes it.

    Raises
    ------
    DataError
        Shorter than `SHORTEST` or longer than `LONGEST` characters.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise DataError(
            "password",
            f"has {len(password)} characters",
            f"take one of {SHORTEST} to {LONGEST} characters",
        )
    return _HASHER.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether a password is the one that is kept; always takes as long.

    Parameters
    ----------
    password
        As typed.
    kept
        What `hash_password` gave; ``None`` if there is no such account, or one
        without a password.
    """
    try:
        with _AT_ONCE:
            _HASHER.verify(kept or _NOBODY, password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether it was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(kept)
