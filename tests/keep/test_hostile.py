"""Archives that nobody made with agroforest, or that somebody made to do harm."""

import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.keep.conftest import NOW, SILENCE, Place

from agroforest.core.errors import AgroforestError, DataError
from agroforest.keep import manifest
from agroforest.keep.backup import write_backup
from agroforest.keep.container import packing, unpacking
from agroforest.keep.manifest import Entry, Head
from agroforest.keep.reading import drain, read_backup
from agroforest.keep.restore import restore
from agroforest.testing.reliability import record

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_BODY = b"payload"
_HOSTILE_TYPES = (
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.FIFOTYPE,
    tarfile.DIRTYPE,
    tarfile.CONTTYPE,
    tarfile.GNUTYPE_SPARSE,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.GNUTYPE_LONGLINK,
)
_HOSTILE_NAMES = (
    "../evil",
    "work/../../evil",
    "/etc/evil",
    "work//evil",
    "work/./evil",
    "work/..",
    "C:\\evil",
    "work\\..\\evil",
    "evil",
    "work/a\nb",
    "work/" + "x" * 3000,
    "",
)


def head_of(*, files: int = 1, size: int = len(_BODY), **changes: object) -> bytes:
    plain = json.loads(
        Head(
            program="0",
            schema="0007",
            created="2024-11-03T02:00:00+00:00",
            nights={},
            rasters=True,
            files=files,
            size=size,
        ).text()
    )
    return json.dumps(plain | changes).encode()


def digests_of(*entries: tuple[str, bytes]) -> bytes:
    return manifest.write_digests(
        [
            Entry(path=path, size=len(body), sha256=hashlib.sha256(body).hexdigest())
            for path, body in entries
        ]
    ).encode()


def plain_file(path: str, body: bytes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(path)
    info.size = len(body)
    return info, body


def make(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """An archive as any program of the world could write it, not yet compressed."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for info, body in members:
            archive.addfile(info, io.BytesIO(body))
    return stream.getvalue()


def special(
    kind: bytes, path: str = "work/x", link: str = "/etc/passwd"
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(path)
    info.type, info.linkname = kind, link
    return info, b""


def head(**changes: object) -> tuple[tarfile.TarInfo, bytes]:
    return plain_file(manifest.HEAD, head_of(**changes))  # type: ignore[arg-type]


def tail(*entries: tuple[str, bytes]) -> tuple[tarfile.TarInfo, bytes]:
    return plain_file(manifest.DIGESTS, digests_of(*entries))


def cut_off(size: int) -> bytes:
    """A head that asks for a file of so many bytes, and the first few of them."""
    info = tarfile.TarInfo("work/x")
    info.size = size
    begun = make(head(size=size))
    whole = 512 + -(-len(head_of(size=size)) // 512) * 512
    return begun[:whole] + info.tobuf(tarfile.GNU_FORMAT) + bytes(4096)


def find_cases() -> Iterator[tuple[str, bytes]]:
    ok = plain_file("work/x", _BODY)
    said = "work/x", _BODY
    two = {"files": 2, "size": 14}
    for name in _HOSTILE_NAMES:
        yield f"name {name[:12]!r}", make(head(), plain_file(name, _BODY), tail())
    for kind in _HOSTILE_TYPES:
        yield f"type {kind!r}", make(head(), special(kind), tail())
    yield (
        "file through a link",
        make(
            head(files=2),
            special(tarfile.SYMTYPE, "work/d", "/var"),
            plain_file("work/d/evil", _BODY),
            tail(),
        ),
    )
    yield (
        "more files than said",
        make(head(), ok, plain_file("work/y", b""), tail(said)),
    )
    yield "more bytes than said", make(head(size=3), ok, tail(said))
    yield "bomb of a petabyte", cut_off(1 << 50)
    yield "bomb of zeros", make(head(), plain_file("work/x", bytes(1 << 24)), tail())
    yield (
        "very long name",
        make(head(), plain_file("work/" + "é" * 60_000, _BODY), tail()),
    )
    yield "same file twice", make(head(**two), ok, ok, tail(said))
    yield (
        "file that is a folder",
        make(
            head(**two),
            ok,
            plain_file("work/x/y", _BODY),
            tail(said, ("work/x/y", _BODY)),
        ),
    )
    yield "another content", make(head(), ok, tail(("work/x", b"PAYLOAD")))
    yield "file unnamed", make(head(), ok, tail())
    yield "file missing", make(head(**two), ok, tail(said, ("work/y", _BODY)))
    yield "no manifest", make(head(), ok)
    yield "no head", make(ok, tail(said))
    yield "newer version", make(head(version=2), ok, tail(said))
    yield "another format", make(head(format="zip"), ok, tail(said))
    yield "wrong types", make(head(files="1"), ok, tail(said))
    yield "fewer than no files", make(head(files=-1), ok, tail(said))
    yield "head 5,000 deep", make(plain_file(manifest.HEAD, b"[" * 5000), ok)
    yield (
        "manifest 5,000 deep",
        make(head(), ok, plain_file(manifest.DIGESTS, b"[" * 5000)),
    )
    yield "no database", make(head(), ok, tail(said))
    yield (
        "another database",
        make(
            head(),
            plain_file(manifest.DATABASE, _BODY),
            tail((manifest.DATABASE, _BODY)),
        ),
    )
    yield "no archive", b"PK\x03\x04" * 999
    yield "nothing", b""


_CASES = dict(find_cases())


def refuse(archive: Path, folder: Path) -> bool:
    """Try to restore; whether it was refused with nothing written anywhere."""
    inside = folder / "inside"
    inside.mkdir()
    try:
        restore(archive, inside / "work", now=NOW, progress=SILENCE)
    except AgroforestError as error:
        return "\n" not in str(error) and not list(inside.iterdir())
    return False


def test_every_hostile_archive_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    survived = []
    for number, (name, content) in enumerate(_CASES.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        archive = folder / "a.tar.zst"
        archive.write_bytes(zstd.compress(content))
        survived.append((name, refuse(archive, folder)))
        assert {p.name for p in folder.iterdir()} == {"a.tar.zst", "inside"}
    record(
        "hostile",
        "backup archives with climbing names, links, devices, bombs, false manifests",
        tried=len(survived),
        survived=sum(ok for _, ok in survived),
        note="refused in one line; nothing is written",
    )
    assert [name for name, ok in survived if not ok] == []
    assert len(survived) > 40


@pytest.fixture(scope="module")
def sound(_filled: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    place = Place(work=_filled, pipeline=_filled)
    file = tmp_path_factory.mktemp("sound") / "b.tar.zst"
    source = place.source
    write_backup(
        type(source)(work=source.work, database=source.database),
        file,
        now=NOW,
        progress=SILENCE,
    )
    return file.read_bytes()


def check_bytes(content: bytes, folder: Path) -> bool:
    file = folder / "b.tar.zst"
    file.write_bytes(content)
    try:
        read_backup(file, begin=lambda _: None, take=drain)
    except DataError:
        return True
    return False


def test_truncated_flipped_and_zeroed_archives_are_found(
    sound: bytes, tmp_path: Path
) -> None:
    tried = survived = 0
    for part in range(1, 40):
        at = len(sound) * part // 40
        zeroed = sound[:at] + bytes(64) + sound[at + 64 :]
        for broken in (
            sound[:at],
            sound[:at] + bytes([sound[at] ^ 0x10]) + sound[at + 1 :],
            zeroed,
        ):
            if broken != sound:
                tried += 1
                survived += check_bytes(broken, tmp_path)
    record(
        "fault",
        "backup truncated, bit-flipped, zero-filled",
        tried=tried,
        survived=survived,
        note="named as damaged before anything is restored",
    )
    assert survived == tried


@given(st.binary(max_size=2000))
def test_no_bytes_surprise_the_reader(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "noise.tar.zst"
    file.write_bytes(zstd.compress(content))
    with pytest.raises(DataError):
        read_backup(file, begin=lambda _: None, take=drain)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.text(
                st.characters(codec="utf-8", exclude_characters="\0"),
                min_size=1,
                max_size=300,
            ),
            st.binary(max_size=700),
        ),
        max_size=5,
    )
)
def test_what_is_packed_is_unpacked(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, bytes]]
) -> None:
    members = [(name, body) for name, body in members if len(name.encode()) < 4000]
    file = tmp_path_factory.getbasetemp() / "round.tar.zst"
    file.unlink(missing_ok=True)
    with packing(file) as pack:
        for name, body in members:
            pack.add(name, io.BytesIO(body), size=len(body), mtime=0)
    with unpacking(file) as found:
        assert [(m.path, m.read(m.size)) for m in found] == members
