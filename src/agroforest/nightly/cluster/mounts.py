"""The same files under other paths: shared storage as each machine has it."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agroforest.core.errors import ConfigurationError
from agroforest.core.scene import Asset, Granule, Scene
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import Refusal, TaskResult

#: Where a worker has the work folder.
WORK_VARIABLE = "AGROFOREST_WORK"
#: Other folders, ``THERE=HERE`` separated by colons.
MOUNTS_VARIABLE = "AGROFOREST_MOUNTS"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mounts:
    """Folders of another machine, and where this machine has them.

    Attributes
    ----------
    pairs
        Absolute paths ``(there, here)``, the longest first.
    """

    pairs: tuple[tuple[str, str], ...] = ()

    def here(self, path: str) -> str:
        """Path of this machine; unchanged outside the shared folders, as URLs are."""
        for there, here in self.pairs:
            if path == there or path.startswith(f"{there}/"):
                return here + path[len(there) :]
        return path

    def bring(self, task: TileTask) -> TileTask:
        """Task with the paths of this machine.

        Its id stays, and so do the ids of its scenes: an asset without a checksum
        is known by its address, and keeps it.
        """
        pipeline, forest = task.pipeline, task.pipeline.risk.forest
        if isinstance(forest, Path):
            risk = pipeline.risk.model_copy(update={"forest": self._path(forest)})
            pipeline = pipeline.model_copy(update={"risk": risk})
        return task.patch(
            scenes=tuple(self._scene(scene) for scene in task.scenes),
            pipeline=pipeline,
            workplace=replace(task.workplace, root=self._path(task.workplace.root)),
        )

    def send_back(self, result: TaskResult, sent: TileTask) -> TaskResult:
        """Rename files in a result to what the task that was sent calls them.

        Paths are part of reports, and those must not depend on who did the work.
        """
        if not (result.error or result.refused):
            return result
        names = self._names(sent)
        return result.patch(
            error=result.error and _translate(result.error, names),
            refused=tuple(
                Refusal(
                    where=_translate(r.where, names),
                    problem=_translate(r.problem, names),
                    remedy=_translate(r.remedy, names),
                    scene=r.scene,
                )
                for r in result.refused
            ),
        )

    def _path(self, path: Path) -> Path:
        return Path(self.here(str(path)))

    def _scene(self, scene: Scene) -> Scene:
        return replace(scene, granules=tuple(map(self._granule, scene.granules)))

    def _granule(self, granule: Granule) -> Granule:
        return granule.patch(
            bands={name: self._asset(a) for name, a in granule.bands.items()},
            mask=self._asset(granule.mask),
        )

    def _asset(self, asset: Asset) -> Asset:
        if asset.sha256 is None:
            return asset
        return asset.patch(href=self.here(asset.href))

    def _names(self, sent: TileTask) -> Mapping[str, str]:
        """Tell what the client calls the files of this machine."""
        names = {here: there for there, here in reversed(self.pairs)}
        names[self.here(str(sent.workplace.root))] = str(sent.workplace.root)
        for scene in sent.scenes:
            for granule in scene.granules:
                for asset in (*granule.bands.values(), granule.mask):
                    names[self._asset(asset).href] = asset.href
        return names


def read_mounts(roots: Sequence[str]) -> Mounts:
    """Mounts of this machine, from its environment.

    Parameters
    ----------
    roots
        The work folder as the client has it: as it was given, and with links
        resolved.

    Raises
    ------
    ConfigurationError
        A variable is no such list of absolute paths.
    """
    pairs = dict(parse_mounts(os.environ.get(MOUNTS_VARIABLE, "").split(os.pathsep)))
    work = os.environ.get(WORK_VARIABLE)
    if work:
        pairs |= dict.fromkeys(roots, str(Path(work).absolute()))
    longest = sorted(pairs.items(), key=lambda pair: len(pair[0]), reverse=True)
    return Mounts(pairs=tuple(longest))


def parse_mounts(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Parse ``THERE=HERE`` texts; empty ones are left out.

    Raises
    ------
    ConfigurationError
        If a text is anything else than two absolute paths.
    """
    pairs = []
    for text in filter(None, texts):
        there, here = (part.rstrip("/") for part in text.partition("=")[::2])
        if not (there.startswith("/") and here.startswith("/")):
            raise ConfigurationError(
                f"mount {text!r}",
                "is not PATH=PATH",
                "write the client's absolute path, =, and this machine's",
            )
        pairs.append((there, here))
    return pairs


def _translate(text: str, names: Mapping[str, str]) -> str:
    """Replace whole paths or their beginnings, each once, the longest first."""
    changed = [name for name, other in names.items() if name != other]
    if not changed:
        return text
    longest = sorted(changed, key=len, reverse=True)
    paths = "|".join(map(re.escape, longest))
    pattern = rf"(?<![\w./-])(?:{paths})(?![\w-])"
    return re.sub(pattern, lambda found: names[found[0]], text)
