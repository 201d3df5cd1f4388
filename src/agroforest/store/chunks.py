"""One chunk of a state: where it lies, what its bytes are, and their digest."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numcodecs import Blosc
from numpy.typing import NDArray
from zarr.codecs import BloscCodec

#: Side of a chunk in pixels; all other axes of an array are whole in a chunk, so
#: a night touches each file of a place once. Arbitrary between 256 and 512.
CHUNK = 256
# Neighbours of one date and band differ in their low bits. On a forest's ring this
# takes 124 bytes a pixel and 0.12 microseconds; ZSTD takes 120 bytes and four times
# as long (docs/adr/0007-state-by-chunk.md).
_COMPRESSOR: Literal["lz4"] = "lz4"
_LEVEL = 1
_CODEC = Blosc(cname=_COMPRESSOR, clevel=_LEVEL, shuffle=Blosc.BITSHUFFLE)
_DIGEST_BYTES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """A piece of a tile.

    Attributes
    ----------
    row, column
        Counted in chunks, from the upper left.
    window
        Rows and columns of the tile that it covers.
    """

    row: int
    column: int
    window: tuple[slice, slice]

    @property
    def key(self) -> str:
        """Its name in files and attributes."""
        return f"{self.row}/{self.column}"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns; fewer at the lower and right edges."""
        rows, columns = self.window
        return rows.stop - rows.start, columns.stop - columns.start


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How an array of a state is laid out.

    Attributes
    ----------
    shape
        Of the array; ends in ``(y, x)``.
    sides
        Of a chunk, in the last two axes; the others are whole.
    dtype
        Of the numbers.
    """

    shape: tuple[int, ...]
    sides: tuple[int, int]
    dtype: np.dtype

    @property
    def tile_shape(self) -> tuple[int, int]:
        """Rows and columns of the tile."""
        return self.shape[-2], self.shape[-1]

    @property
    def chunk_shape(self) -> tuple[int, ...]:
        """Shape of a chunk's file; at the edges it reaches beyond the tile."""
        return (*self.shape[:-2], *self.sides)

    def file(self, chunk: Chunk) -> str:
        """Path of a chunk within the array (Zarr v3, default chunk keys)."""
        return "/".join(["c", *["0"] * (len(self.shape) - 2), chunk.key])


def find_sides(shape: tuple[int, int]) -> tuple[int, int]:
    """Sides of the chunks of a new state."""
    height, width = shape
    return min(CHUNK, height), min(CHUNK, width)


def cut(shape: tuple[int, int], sides: tuple[int, int]) -> tuple[Chunk, ...]:
    """Cut a tile into chunks, row by row."""
    (height, width), (tall, wide) = shape, sides
    return tuple(
        Chunk(
            row=row,
            column=column,
            window=(
                slice(row * tall, min((row + 1) * tall, height)),
                slice(column * wide, min((column + 1) * wide, width)),
            ),
        )
        for row in range(-(-height // tall))
        for column in range(-(-width // wide))
    )


def blosc_codec() -> BloscCodec:
    """Declare to Zarr what `encode` does."""
    return BloscCodec(cname=_COMPRESSOR, clevel=_LEVEL, shuffle="bitshuffle")


def encode(array: NDArray[np.generic], layout: Layout) -> bytes:
    """Bytes of a chunk's file; the same numbers always give the same bytes.

    Parameters
    ----------
    array
        ``(..., y, x)`` of one chunk.
    layout
        Of the whole array.
    """
    if array.shape != layout.chunk_shape:  # beyond the edge there is nothing
        beyond = np.zeros(layout.chunk_shape, dtype=layout.dtype)
        beyond[..., : array.shape[-2], : array.shape[-1]] = array
        array = beyond
    return bytes(_CODEC.encode(np.ascontiguousarray(array)))


def decode(data: bytes, layout: Layout, shape: tuple[int, int]) -> NDArray[Any]:
    """Inverse of `encode`; a writable array that nobody else holds.

    Raises
    ------
    RuntimeError, ValueError
        If the bytes are not those of such a chunk.
    """
    array = np.empty(layout.chunk_shape, dtype=layout.dtype)
    _CODEC.decode(data, out=array)
    return np.ascontiguousarray(array[..., : shape[0], : shape[1]])


def find_digest(data: bytes) -> str:
    """Digest of a file's bytes; ``b2sum -l 64`` gives the same."""
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()
