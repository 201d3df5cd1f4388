"""From the pipeline's ``scenes.catalog`` to a catalogue."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from shapely.geometry.base import BaseGeometry

from agroforest.catalog.local import LocalCatalog
from agroforest.catalog.protocol import Catalog, Refuse, log_refused
from agroforest.catalog.recognise import AddReport
from agroforest.core.errors import ConfigurationError, DataError


def open_catalog(
    source: str,
    root: Path,
    *,
    refuse: Refuse = log_refused,
    allow_hosts: tuple[str, ...] = (),
) -> Catalog:
    """Catalogue that a pipeline names.

    Parameters
    ----------
    source
        ``"local"`` or the URL of a STAC API.
    root
        Folder of the local catalogue.
    refuse
        Called with the error of each stored or remote item that cannot be used.
    allow_hosts
        Hosts in this machine's own network that remote items may name.

    Raises
    ------
    ConfigurationError
        If `source` is neither.
    """
    if source == "local":
        return LocalCatalog(root, refuse=refuse)
    if source.startswith(("https://", "http://")):
        # pystac-client takes a while to import and most pipelines are local.
        from agroforest.catalog.api import ApiCatalog  # noqa: PLC0415  see above

        return ApiCatalog(source, refuse=refuse, allow_hosts=allow_hosts)
    raise ConfigurationError(
        "scenes.catalog", repr(source), 'use "local" or the https:// URL of a STAC API'
    )


def copy_scenes(
    url: str,
    catalog: LocalCatalog,
    area: BaseGeometry,
    start: date,
    end: date,
    *,
    collections: Sequence[str] = (),
    allow_hosts: tuple[str, ...] = (),
) -> AddReport:
    """Copy what a STAC API holds of a place and time into the local catalogue.

    Pixels stay where they are; the nights then do not need the API.

    Parameters
    ----------
    url
        Landing page of the API.
    catalog
        Where to put the items.
    area
        WGS84 longitude and latitude in degrees.
    start, end
        UTC days, both included.
    collections
        Collections to search; those whose conventions are known unless given.
    allow_hosts
        Hosts in this machine's own network that the items may name.

    Raises
    ------
    SourceError
        If the API does not answer.
    ConfigurationError
        If it answers but refuses the request.
    """
    refused: list[DataError] = []
    source = open_catalog(
        url, catalog.root, refuse=refused.append, allow_hosts=allow_hosts
    )
    granules = source.find_granules(area, start, end, collections=collections)
    added, known = catalog.add(granules)
    return AddReport(added=added, known=known, refused=tuple(refused))
