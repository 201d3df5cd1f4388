"""The layout: addresses, sizes, and where classic TIFF ends."""

import struct

import numpy as np
import pytest

from agroforest.cube import tiff
from agroforest.cube.tiff import Directory, Field, frame, lay_out, read_fields

# Odd lengths, a value that fits an entry, and values that do not.
FIELDS = {
    256: Field.longs(70_000),
    258: Field.shorts(16),
    270: Field(2, 5, b"word\0"),
    33550: Field(12, 3, struct.pack("<3d", 10, 10, 0)),
}


def directories(*tiles: int) -> list[Directory]:
    rng = np.random.default_rng(2)
    return [Directory(fields=FIELDS, sizes=rng.integers(5, 900, n)) for n in tiles]


def addresses(head: bytes) -> list[dict[int, Field]]:
    """Fields of every directory of a classic head."""
    found = []
    (at,) = struct.unpack_from("<I", head, 4)
    while at:
        assert at % 2 == 0, "directories begin at even addresses"
        found.append(read_fields(head[:4] + struct.pack("<I", at) + head[8:]))
        (number,) = struct.unpack_from("<H", head, at)
        (at,) = struct.unpack_from("<I", head, at + 2 + 12 * number)
    return found


def test_directories_read_back() -> None:
    images = directories(7, 2, 1)
    found = addresses(lay_out(images).head)
    assert len(found) == 3
    for image, fields in zip(images, found, strict=True):
        for tag, field in FIELDS.items():
            assert fields[tag] == field
        counts = np.frombuffer(fields[tiff.TILE_BYTE_COUNTS].content, "<u4")
        np.testing.assert_array_equal(counts, image.sizes)


def test_tiles_follow_one_another_the_smallest_image_first() -> None:
    images = directories(7, 2, 1)
    layout = lay_out(images)
    end = len(layout.head)
    for image, fields in reversed(
        list(zip(images, addresses(layout.head), strict=True))
    ):
        offsets = np.frombuffer(fields[tiff.TILE_OFFSETS].content, "<u4")
        for offset, size in zip(offsets, image.sizes, strict=True):
            assert offset == end + tiff.LEADER
            end = offset + size + tiff.TRAILER
    assert layout.size == end


def test_the_first_directory_follows_the_note() -> None:
    """Where GDAL's validator looks for it."""
    head = lay_out(directories(1)).head
    (first,) = struct.unpack_from("<I", head, 4)
    size = head.index(b"bytes\n") + len(b"bytes\n")
    assert head[8:].startswith(b"GDAL_STRUCTURAL_METADATA_SIZE=000140 bytes\n")
    assert first == size + 140 + (size + 140) % 2


@pytest.mark.parametrize(("spare", "version"), [(0, 42), (-1, 43)])
def test_bigtiff_begins_where_classic_tiff_ends(
    monkeypatch: pytest.MonkeyPatch, spare: int, version: int
) -> None:
    images = directories(40, 10, 3)
    size = lay_out(images).size
    monkeypatch.setattr(tiff, "CLASSIC_LIMIT", size + spare)
    layout = lay_out(images)
    assert struct.unpack_from("<H", layout.head, 2) == (version,)
    assert (layout.size > size) == (version == 43)


def test_files_of_terabytes_can_be_laid_out() -> None:
    tile, count = 40_000_000, 100_000
    sizes = np.full(count, tile)
    layout = lay_out([Directory(fields={}, sizes=sizes)])
    assert layout.head[:4] == b"II+\0"
    assert layout.size == len(layout.head) + count * (tile + 8)
    offsets = np.frombuffer(layout.head[-12 * count : -4 * count], "<u8")
    assert offsets[0] == len(layout.head) + 4
    assert offsets[-1] == layout.size - 4 - tile


def test_a_frame_lets_readers_notice_edits() -> None:
    assert b"".join(frame(b"abcdefg")) == b"\x07\0\0\0abcdefgdefg"


def test_other_files_are_not_read() -> None:
    with pytest.raises(ValueError, match="not a little-endian TIFF"):
        read_fields(b"MM\0*\0\0\0\x08")


def test_a_directory_that_is_cut_off_is_not_read() -> None:
    head = lay_out(directories(1)).head
    for length in (6, 9, len(head) // 2):
        with pytest.raises(ValueError, match="cut off"):
            read_fields(head[:length])
