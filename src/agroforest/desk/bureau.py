"""What the desk knows beside its store: counties, places, and what is simulated."""

import glob
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agroforest.core.aoi import read_aoi
from agroforest.core.config import Pipeline, read_pipeline
from agroforest.core.county import Counties, County
from agroforest.core.errors import ConfigurationError
from agroforest.desk.settings import DeskSettings
from agroforest.hotspots.datum import Datum
from agroforest.hotspots.districts import read_districts


@dataclass(frozen=True, kw_only=True, slots=True)
class Bureau:
    """Settings of a desk with what they name, read once.

    Attributes
    ----------
    settings
        As written.
    counties
        To name the county of a new case.
    places
        Chinese and English name of parcels and compartments, by id.
    pipelines
        Definitions of the nights, by name.
    """

    settings: DeskSettings = field(default_factory=DeskSettings)
    counties: Counties = field(default_factory=Counties, repr=False)
    places: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    pipelines: Mapping[str, Pipeline] = field(default_factory=dict, repr=False)

    def is_simulated(self, pipeline: str) -> bool:
        """Whether what a pipeline sees never happened."""
        known = self.pipelines.get(pipeline)
        return self.settings.notify.simulated or (known is not None and known.simulated)


def open_bureau(settings: DeskSettings) -> Bureau:
    """Read what the settings of a desk name.

    Raises
    ------
    ConfigurationError
        A file that is named is missing or cannot be used; with the way out.
    DataError
        The counties' coordinates are shifted and nobody said that this be undone.
    """
    pipelines: dict[str, Pipeline] = {}
    for path in find_pipelines(settings.pipelines):
        pipeline = read_pipeline(path)
        if pipeline.name in pipelines:
            raise ConfigurationError(
                path,
                f"is the second definition of {pipeline.name!r}",
                "name each once in pipelines of the desk's settings",
            )
        pipelines[pipeline.name] = pipeline
    return Bureau(
        settings=settings,
        counties=_read_counties(settings),
        places={
            place.id: (place.name_zh, place.name_en)
            for area in dict.fromkeys(p.aoi for p in pipelines.values())
            for place in read_aoi(area).places
        },
        pipelines=pipelines,
    )


def find_pipelines(patterns: Iterable[str]) -> list[Path]:
    """Find the files that patterns name, each once, by name.

    Raises
    ------
    ConfigurationError
        A pattern names no file.
    """
    found: set[str] = set()
    for pattern in patterns:
        named = glob.glob(pattern)  # noqa: PTH207  a pattern with its folder
        if not named:
            raise ConfigurationError(
                pattern, "no such pipeline", "mend pipelines in the desk's settings"
            )
        found.update(named)
    return [Path(name) for name in sorted(found)]


def _read_counties(settings: DeskSettings) -> Counties:
    if settings.counties is None:
        return Counties()
    datum = Datum(settings.datum) if settings.datum else None
    layer = read_districts(settings.counties, datum=datum)
    return Counties(
        [
            County(
                code=d.code, name_zh=d.name_zh, name_en=d.name_en, geometry=d.geometry
            )
            for d in layer.districts
        ]
    )
