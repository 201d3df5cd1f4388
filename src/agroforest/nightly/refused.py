"""Scenes that could not be read, until their files are others.

A scene that was read is known by its content. One that was refused is known by its
content and by how its files looked then: whoever mends a file, even to the very bytes
that were catalogued, has it read on the next night, and until then nobody tries.
"""

from collections.abc import Iterator
from pathlib import Path

from agroforest.catalog.href import is_local
from agroforest.core.identity import digest
from agroforest.core.scene import Scene


def identify_refused(scene: Scene) -> str:
    """Digest of a scene's content and of how its files look.

    Of files elsewhere nothing is known but their address: such a scene stays refused
    until its content changes.
    """
    return digest("refused", scene.content(), list(_looks(scene)))


def _looks(scene: Scene) -> Iterator[list[int]]:
    """Bytes and times of every file on this machine; nothing of those that lack."""
    for granule in scene.granules:
        for _, asset in sorted(granule.bands.items()):
            yield _look(asset.href)
        yield _look(granule.mask.href)


def _look(href: str) -> list[int]:
    if not is_local(href):
        return []
    try:
        found = Path(href).stat()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return []
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]
