"""Files that are the catalogued ones, for as long as they are read."""

from dataclasses import replace
from pathlib import Path

import pytest

from agroforest.core.errors import DataError
from agroforest.core.identity import digest_file
from agroforest.core.scene import Asset
from agroforest.cube.intact import kept_intact


@pytest.fixture
def asset(tmp_path: Path) -> Asset:
    path = tmp_path / "B04.tif"
    path.write_bytes(b"numbers")
    return Asset(href=str(path), resolution=10, sha256=digest_file(path))


def test_the_catalogued_file_passes(asset: Asset) -> None:
    with kept_intact(asset):
        pass


def test_another_file_is_refused(asset: Asset) -> None:
    Path(asset.href).write_bytes(b"numbera")
    with (
        pytest.raises(DataError, match=r"B04\.tif: is not the file"),
        kept_intact(asset),
    ):
        pass


def test_a_file_that_changes_meanwhile_is_refused(asset: Asset) -> None:
    with (
        pytest.raises(DataError, match="changed while it was read"),
        kept_intact(asset),
    ):
        Path(asset.href).write_bytes(b"numbers, and more")


def test_what_went_wrong_first_is_what_is_said(asset: Asset) -> None:
    with pytest.raises(ValueError, match="first"):
        spoil(asset)


def spoil(asset: Asset) -> None:
    with kept_intact(asset):
        Path(asset.href).unlink()
        raise ValueError("first")


def test_a_file_untouched_since_it_was_summed_is_believed(asset: Asset) -> None:
    later = Path(asset.href).stat().st_ctime_ns + 1
    with kept_intact(replace(asset, sha256="0" * 64, summed_ns=later)):
        pass


@pytest.mark.parametrize("href", ["https://example.org/B04.tif", "/nowhere/B04.tif"])
def test_what_is_not_here_is_left_to_whoever_opens_it(asset: Asset, href: str) -> None:
    with kept_intact(replace(asset, href=href)):
        pass
