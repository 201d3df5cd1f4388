"""Payloads: why one is refused, in one line, and numbers as devices write them."""

from agroforest.core.errors import DataError

_SHOWN = 40  # bytes of a payload in a message


def damaged(device: str, payload: bytes, problem: str) -> DataError:
    """Build the error for bytes that are no message of this device.

    Parameters
    ----------
    device
        Name of the decoder.
    payload
        All bytes; a long payload is shortened in the message.
    problem
        What is wrong with them, after the words "payload '…'".
    """
    shown = payload[:_SHOWN].hex() + ("…" if len(payload) > _SHOWN else "")
    return DataError(
        device, f"payload {shown!r} {problem}", "check which device sent it"
    )


def wrong_length(device: str, payload: bytes, wanted: str) -> DataError:
    """Build the error for a payload that is too short or too long."""
    return damaged(device, payload, f"has {len(payload)} bytes of {wanted}")


def signed(number: int, bits: int) -> int:
    """Read an unsigned number of so many bits as two's complement.

    >>> signed(0xFF9B, 16)
    -101
    """
    return number - (1 << bits) if number >> (bits - 1) & 1 else number
