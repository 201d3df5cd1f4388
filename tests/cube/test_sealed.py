"""Files that notice damage: every flip, every cut, no false alarm."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agroforest.cube.sealed import BrokenSealError, Sealed, seal

MB = 1 << 20
pytestmark = pytest.mark.filterwarnings("error")


def sealed(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    seal(path)
    return path


@pytest.mark.parametrize("size", [0, 1, MB - 1, MB, MB + 1, 3 * MB])
def test_a_whole_file_passes_and_keeps_its_content(tmp_path: Path, size: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    path = sealed(tmp_path / "a", content[:size])
    assert path.read_bytes()[:size] == content[:size]
    with path.open("rb") as stream:
        found = Sealed(stream)
        assert found.size == size
        found.check([(0, size)])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_is_noticed_where_it_is(
    tmp_path: Path, data: st.DataObject
) -> None:
    size = 2 * MB + 1000
    path = sealed(tmp_path / "a", b"\x07" * size)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with path.open("rb") as stream:
        if place >= size:
            with pytest.raises(BrokenSealError):
                Sealed(stream)
            return
        found = Sealed(stream)
        with pytest.raises(BrokenSealError, match="damaged at byte"):
            found.check([(place, place + 1)])
        other = (place // MB + 1) % 3 * MB
        found.check([(other, other + 1)])  # another megabyte is as it was


@pytest.mark.parametrize("kept", [0, 1, 19, 20, MB, MB + 100, 2 * MB + 3])
def test_a_cut_file_is_noticed(tmp_path: Path, kept: int) -> None:
    path = sealed(tmp_path / "a", b"\x07" * 2 * MB)
    path.write_bytes(path.read_bytes()[:kept])
    with path.open("rb") as stream, pytest.raises(BrokenSealError):
        Sealed(stream)


def test_what_was_never_sealed_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"II*\0" * 1000)
    with path.open("rb") as stream, pytest.raises(BrokenSealError, match="no seal"):
        Sealed(stream)
