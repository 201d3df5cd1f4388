"""Checksums of a granule's files, each read once."""

from collections.abc import Callable
from pathlib import Path

from agroforest.core.errors import DataError
from agroforest.core.identity import digest_file
from agroforest.core.scene import Asset, Granule

#: Called as ``progress(done, total, label)``.
Progress = Callable[[int, int, str], None]


def add_checksums(granule: Granule) -> Granule:
    """Granule with the SHA-256 of every file that lies on this machine.

    Raises
    ------
    DataError
        If a file cannot be read to its end.
    """
    return granule.patch(
        bands={name: _sum(asset) for name, asset in granule.bands.items()},
        mask=_sum(granule.mask),
    )


def _sum(asset: Asset) -> Asset:
    if "://" in asset.href or asset.href.startswith("/vsi"):
        return asset
    try:
        return asset.patch(sha256=digest_file(Path(asset.href)))
    except OSError as error:
        raise DataError(
            asset.href,
            f"cannot be read ({error.strerror})",
            "check the disk and the file's permissions",
        ) from error
