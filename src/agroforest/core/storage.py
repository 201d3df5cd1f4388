"""What a system says of its storage, and not of the file that was asked for."""

import errno

#: Of disks, mounts, and what a process may hold at a time. The same file may be read
#: a minute later.
_PASSING = frozenset(
    {
        errno.EIO,
        errno.ESTALE,
        errno.ETIMEDOUT,
        errno.ENOTCONN,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
    }
)


def is_storage(error: BaseException) -> bool:
    """Whether an error speaks against the storage and not against the file."""
    return isinstance(error, OSError) and error.errno in _PASSING
