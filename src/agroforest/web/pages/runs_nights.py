"""What nights left in the work folder, as pages read it."""

import json
import re
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any

from agroforest.core.errors import DataError
from agroforest.nightly.workplace import Workplace
from agroforest.web.site import Site

Json = dict[str, Any]

_PIPELINE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
#: What a pipeline's folder is told by.
_MARKS = ("reports", "maps", "water", "indices", "risk", "fire")
_NIGHT = "????-??-??"
#: What every parcel in a night's file of water says of itself.
_NEEDED = ("id", "name_zh", "name_en", "light", "zh", "en")
#: Files whose content is remembered. Arbitrary; a page shows some thirty.
_MOST = 200


class Nights:
    """The nights of the desk's pipelines.

    Parameters
    ----------
    site
        Whose settings name the pipelines; without any, every folder of nights counts.
    work
        The work folder.
    """

    def __init__(self, site: Site, work: Path) -> None:
        self._site, self.work = site, work
        self._kept: OrderedDict[Path, tuple[int, Json]] = OrderedDict()
        self._lock = Lock()

    @property
    def pipelines(self) -> tuple[str, ...]:
        """Names, sorted."""
        if self._site.bureau.pipelines:
            return tuple(sorted(self._site.bureau.pipelines))
        if not self.work.is_dir():
            return ()
        return tuple(
            sorted(
                folder.name
                for folder in self.work.iterdir()
                if _PIPELINE.fullmatch(folder.name)
                and any((folder / mark).is_dir() for mark in _MARKS)
            )
        )

    def place(self, pipeline: str) -> Workplace | None:
        """Find a pipeline's paths; ``None`` for one that is not the desk's."""
        if pipeline not in self.pipelines:
            return None
        return Workplace(root=self.work, pipeline=pipeline)

    def list_reports(self, pipeline: str) -> list[date]:
        """List the nights that have a report, the newest first."""
        return _list(self.work / pipeline / "reports", "json")

    def find_map(self, pipeline: str) -> date | None:
        """Find the newest night that has a map."""
        return next(iter(_list(self.work / pipeline / "maps", "html")), None)

    def read_report(
        self, pipeline: str, night: date, keep: Callable[[Json], Json]
    ) -> Json:
        """Read what is kept of a report.

        Raises
        ------
        DataError
            The file is damaged.
        """
        place = Workplace(root=self.work, pipeline=pipeline)
        return self._read(place.report(night, "json"), keep)

    def read_water(self, pipeline: str) -> Json | None:
        """Read what the newest night knew of water; ``None`` if none did.

        Raises
        ------
        DataError
            The file is damaged.
        """
        folder = self.work / pipeline / "water"
        night = next(iter(_list(folder, "json")), None)
        if night is None:
            return None
        return self._read(folder / f"{night}.json", _whole)

    def _read(self, path: Path, keep: Callable[[Json], Json]) -> Json:
        try:
            stamp = path.stat().st_mtime_ns
            with self._lock:
                kept = self._kept.get(path)
                if kept is not None and kept[0] == stamp:
                    self._kept.move_to_end(path)
                    return kept[1]
            found = keep(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                path.name,
                f"cannot be read ({error})",
                "remove it and run the night again",
            ) from error
        with self._lock:
            self._kept[path] = (stamp, found)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return found


def _list(folder: Path, suffix: str) -> list[date]:
    found = []
    for path in folder.glob(f"{_NIGHT}.{suffix}"):
        try:
            found.append(date.fromisoformat(path.stem))
        except ValueError:
            continue  # a file of that form, but of no night
    return sorted(found, reverse=True)


def _whole(document: Json) -> Json:
    date.fromisoformat(document["night"])
    for parcel in document["parcels"]:
        missing = [name for name in _NEEDED if name not in parcel]
        if missing:
            raise ValueError(f"a parcel lacks {missing[0]}")
    return document
