"""Checksums of a granule's files, each read once."""

from collections.abc import Callable, Mapping
from pathlib import Path

from agroforest.catalog.href import is_local
from agroforest.core.errors import DataError
from agroforest.core.identity import digest_file
from agroforest.core.scene import Asset, Granule

#: Called as ``progress(done, total, label)``.
Progress = Callable[[int, int, str], None]


def add_checksums(
    granule: Granule, *, stored: Granule | None = None, since: int = 0
) -> Granule:
    """Granule with the SHA-256 of every file that lies on this machine.

    Parameters
    ----------
    granule
        Without checksums.
    stored
        The same granule with the checksums of an earlier call.
    since
        When `stored` was written, nanoseconds since 1970. Files not touched since
        are not read again.

    Raises
    ------
    DataError
        If a file cannot be read to its end.
    """
    known = {}
    if stored is not None:
        assets = (*stored.bands.values(), stored.mask)
        known = {asset.href: asset.sha256 for asset in assets if asset.sha256}
    return granule.patch(
        bands={
            name: _sum(asset, known, since) for name, asset in granule.bands.items()
        },
        mask=_sum(granule.mask, known, since),
    )


def _sum(asset: Asset, known: Mapping[str, str], since: int) -> Asset:
    if not is_local(asset.href):
        return asset
    path = Path(asset.href)
    try:
        # Unlike the time of modification, that of change cannot be set back by
        # copying an old file over a new one.
        if asset.href in known and path.stat().st_ctime_ns < since:
            return asset.patch(sha256=known[asset.href])
        return asset.patch(sha256=digest_file(path))
    except OSError as error:
        raise DataError(
            asset.href,
            f"cannot be read ({error.strerror})",
            "check the disk and the file's permissions",
        ) from error
