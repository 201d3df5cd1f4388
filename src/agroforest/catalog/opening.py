"""From the pipeline's ``scenes.catalog`` to a catalogue."""

from pathlib import Path

from agroforest.catalog.local import LocalCatalog
from agroforest.catalog.protocol import Catalog, Refuse, log_refused
from agroforest.core.errors import ConfigurationError


def open_catalog(source: str, root: Path, *, refuse: Refuse = log_refused) -> Catalog:
    """Catalogue that a pipeline names.

    Parameters
    ----------
    source
        ``"local"`` or the URL of a STAC API.
    root
        Folder of the local catalogue.
    refuse
        Called with the error of each stored or remote item that cannot be used.

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

        return ApiCatalog(source, refuse=refuse)
    raise ConfigurationError(
        "scenes.catalog", repr(source), 'use "local" or the https:// URL of a STAC API'
    )
