"""FIRMS' area service: the detections of the last days in a rectangle.

The service is asked with a key that FIRMS gives free of charge; it is part of the
address, so no address is ever shown or logged.
"""

import logging
import os
import re
from collections.abc import Sequence

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from agroforest.core.errors import ConfigurationError, SourceError
from agroforest.hotspots.firms import FileRows, read_table

#: Holds the key; https://firms.modaps.eosdis.nasa.gov/api/map_key/
KEY_VARIABLE = "FIRMS_MAP_KEY"
#: Holds another address of the service: a mirror inside a closed network.
URL_VARIABLE = "AGROFOREST_FIRMS_URL"
_URL = "https://firms.modaps.eosdis.nasa.gov"
#: Products of the service, July 2024.
PRODUCTS = (
    *("VIIRS_SNPP_NRT", "VIIRS_NOAA20_NRT", "VIIRS_NOAA21_NRT", "VIIRS_SNPP_SP"),
    *("VIIRS_NOAA20_SP", "VIIRS_NOAA21_SP", "MODIS_NRT", "MODIS_SP"),
)
_MOST_DAYS = 5  # the service refuses more
_RETRIED_STATUS = (408, 429, 500, 502, 503, 504)  # RFC 9110 and 6585
_RETRIES = 3
_BACKOFF = 0.5  # seconds, doubled each time
_TIMEOUT = 60.0  # seconds
_LARGEST = 256 << 20  # bytes; a million rows are 80 MB
_KEY = re.compile(r"[0-9A-Za-z]{8,64}")
_IN_PATH = re.compile(r"/csv/[^/\s]+/")


def fetch_tables(
    products: Sequence[str], *, area: str | None, days: int = 1
) -> tuple[FileRows, ...]:
    """Fetch the newest detections of some products.

    Parameters
    ----------
    products
        Names in `PRODUCTS`; none fetches nothing and asks for nothing.
    area
        ``"west,south,east,north"``, degrees.
    days
        How many, back from today, 1 to 5.

    Returns
    -------
    tuple of FileRows
        One a product.

    Raises
    ------
    ConfigurationError
        No key, an unknown product, a bad area; or the service refuses the key.
    SourceError
        It does not answer, or not with a table; the same may succeed later.
    """
    if not products:
        return ()
    box = _norm_area(area)
    if not 1 <= days <= _MOST_DAYS:
        raise ConfigurationError("--days", f"is {days}", f"use 1 to {_MOST_DAYS}")
    for product in products:
        if product not in PRODUCTS:
            raise ConfigurationError(
                "--fetch", f"'{product}' is unknown", f"use {', '.join(PRODUCTS)}"
            )
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not _KEY.fullmatch(key):
        raise ConfigurationError(
            KEY_VARIABLE,
            "holds no key of FIRMS",
            "get one at firms.modaps.eosdis.nasa.gov/api/map_key and set the variable",
        )
    base = os.environ.get(URL_VARIABLE, "").rstrip("/") or _URL
    with _session() as session:
        return tuple(
            _fetch(session, f"{base}/api/area/csv/{key}/{one}/{box}/{days}", one)
            for one in products
        )


class _Redacting(logging.Filter):
    """Keeps the key out of the logs of the HTTP library, which write whole paths."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _IN_PATH.sub("/csv/…/", record.getMessage()), None
        return True


def _hush() -> None:
    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logger = logging.getLogger(name)
        if not any(isinstance(f, _Redacting) for f in logger.filters):
            logger.addFilter(_Redacting())


def _session() -> requests.Session:
    _hush()
    session = requests.Session()
    retry = Retry(
        total=_RETRIES,
        status_forcelist=_RETRIED_STATUS,
        backoff_factor=_BACKOFF,
        respect_retry_after_header=True,
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _fetch(session: requests.Session, url: str, product: str) -> FileRows:
    where = f"FIRMS {product}"
    try:
        # A redirect would carry the key to wherever it leads.
        answer = session.get(url, timeout=_TIMEOUT, allow_redirects=False, stream=True)
        content = answer.raw.read(_LARGEST + 1, decode_content=True)
    except (requests.RequestException, OSError) as error:
        # The cause holds the address, and with it the key.
        raise SourceError(
            where, f"did not answer ({type(error).__name__})", "try again later"
        ) from None
    text = content[:_LARGEST].decode("utf-8-sig", "replace")
    if "invalid" in text[:200].casefold() and "key" in text[:200].casefold():
        raise ConfigurationError(where, "refuses the key", f"set {KEY_VARIABLE} anew")
    if answer.status_code != 200:
        status = answer.status_code
        if 400 <= status < 500 and status not in _RETRIED_STATUS:
            raise ConfigurationError(
                where, f"refuses the request with status {status}", "check the area"
            )
        raise SourceError(where, f"answered with status {status}", "try again later")
    if len(content) > _LARGEST:
        raise SourceError(where, "sent more than 256 MB", "ask for a smaller area")
    if not text.lower().startswith(("latitude", "country_id")):
        raise SourceError(where, "did not answer with a table", "try again later")
    return read_table(text, where)


def _norm_area(area: str | None) -> str:
    """Area as the service wants it."""
    parts = (area or "").split(",")
    try:
        west, south, east, north = (float(part) for part in parts)
    except ValueError:
        west = south = east = north = 999.0
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise ConfigurationError(
            "--area", f"'{area}' is no rectangle", "write WEST,SOUTH,EAST,NORTH"
        )
    return f"{west:g},{south:g},{east:g},{north:g}"
