"""STAC APIs: Earth Search, Planetary Computer, USGS and others of their kind."""

import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import requests
from pystac.errors import STACError
from pystac_client import Client
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from pystac_client.warnings import DoesNotConformTo, PystacClientWarning
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry
from urllib3.util import Retry

from agroforest.catalog.guard import GuardedAdapter
from agroforest.catalog.href import Reach, redact
from agroforest.catalog.protocol import Refuse, is_clear, log_refused
from agroforest.catalog.stac_item import COLLECTIONS, read_item
from agroforest.core.errors import ConfigurationError, DataError, SourceError
from agroforest.core.scene import Granule

#: Answers after which the same request is worth repeating (RFC 9110 and 6585);
#: everything else is final.
RETRIED_STATUS = (408, 429, 500, 502, 503, 504)
RETRIES = 3
_TIMEOUT = 60.0  # seconds; Planetary Computer answers large searches in about 20
_PAGE = 100
# The item's time may be the tile's, minutes after the datatake's that counts.
_SLACK = timedelta(hours=1)


class ApiCatalog:
    """A remote STAC API.

    Parameters
    ----------
    url
        Landing page.
    refuse
        Called with the error of each item that cannot be used; such items never
        stop a search.
    allow_hosts
        Hosts that assets may name though they lie in this machine's own network;
        see `Reach`. The API's own counts as named where it is spelled as such.
    retries
        How often a request is repeated after an answer in `RETRIED_STATUS` or a
        broken connection.
    """

    def __init__(
        self,
        url: str,
        *,
        refuse: Refuse = log_refused,
        allow_hosts: tuple[str, ...] = (),
        retries: int = RETRIES,
    ) -> None:
        self.url = url
        self._reach = Reach(allow_hosts=allow_hosts).after_redirect(url)
        self._refuse = refuse
        self._retries = retries
        self._client: Client | None = None

    def find_granules(
        self,
        area: BaseGeometry,
        start: date,
        end: date,
        *,
        collections: Sequence[str] = (),
        max_cloud_cover: float | None = None,
    ) -> list[Granule]:
        """Granules of an area and time; see `Catalog.find_granules`.

        Without `collections`, those of the API whose conventions are known are
        searched. Items of the same id in two collections count once.

        Raises
        ------
        SourceError
            If the API does not answer.
        ConfigurationError
            If it answers but refuses the request.
        """
        found = {}
        for item in self._search(area, start, end, collections):
            try:
                granule = read_item(item, base=self._base(item), reach=self._reach)
            except DataError as error:
                self._refuse(error)
                continue
            if start <= granule.sensed.date() <= end and is_clear(
                granule, max_cloud_cover
            ):
                found[granule.collection, granule.id] = granule
        return [found[key] for key in sorted(found)]

    def _search(
        self, area: BaseGeometry, start: date, end: date, collections: Sequence[str]
    ) -> list[dict[str, Any]]:
        first = datetime.combine(start, time.min, UTC) - _SLACK
        last = datetime.combine(end, time(23, 59, 59), UTC) + _SLACK
        try:
            # What an API lacks is said below in one line, not in warnings.
            with warnings.catch_warnings(action="ignore", category=PystacClientWarning):
                client = self._open()
                search = client.search(
                    method=_method(client),
                    intersects=mapping(area),
                    datetime=[first, last],
                    collections=list(collections) or self._known_collections(),
                    limit=_PAGE,
                )
                return list(search.items_as_dicts())
        except DoesNotConformTo:
            raise ConfigurationError(
                redact(self.url),
                "is no STAC API with item search",
                "give the landing page of one; add static catalogues as scenes",
            ) from None
        except (APIError, requests.RequestException, STACError, ValueError) as error:
            raise self._translate(error) from None  # the cause may hold a token

    def _open(self) -> Client:
        if self._client is None:
            retry = Retry(
                total=self._retries,
                status_forcelist=RETRIED_STATUS,
                allowed_methods=None,  # searching by POST changes nothing: repeat it
                backoff_factor=0.5,
                respect_retry_after_header=True,
                raise_on_status=False,
            )
            session = StacApiIO(timeout=_TIMEOUT)
            # The API, too, may lead on: by redirects and by links to further pages.
            for scheme in ("http://", "https://"):
                adapter = GuardedAdapter(self._reach, max_retries=retry)
                session.session.mount(scheme, adapter)
            self._client = Client.open(self.url, stac_io=session)
        return self._client

    def _known_collections(self) -> list[str] | None:
        ids = {collection.id for collection in self._open().get_collections()}
        return sorted(ids & COLLECTIONS.keys()) or None

    def _base(self, item: Mapping[str, Any]) -> str:
        for link in item.get("links") or []:
            if isinstance(link, Mapping) and link.get("rel") == "self":
                return redact(str(link.get("href")))
        return redact(self.url)

    def _translate(self, error: Exception) -> SourceError | ConfigurationError:
        status = getattr(error, "status_code", None)
        where = redact(self.url)
        if status is not None and 400 <= status < 500 and status not in RETRIED_STATUS:
            return ConfigurationError(
                where,
                f"STAC API refuses the request with status {status}",
                "check the address, the collections and the access rights",
            )
        what = f"status {status}" if status else type(error).__name__
        return SourceError(
            where, f"STAC API did not answer ({what})", "try again later"
        )


def _method(client: Client) -> str:
    """POST where the API offers it: areas can be longer than an address may be."""
    links = client.get_links("search")
    offered = {str(link.extra_fields.get("method") or "GET") for link in links}
    return "POST" if "POST" in offered else "GET"
