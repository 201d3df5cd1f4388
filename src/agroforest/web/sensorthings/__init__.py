"""A read-only SensorThings 1.1 service (OGC 18-088) of the readings in a store.

Read in this order: `declared` (which entities there are, and the SQL behind each),
`path` and `options` (what is asked for), `expression` and `parser` (``$filter``),
`compiler` (its SQL), `endpoint` (one request, top to bottom), `router` (HTTP).
"""

from agroforest.web.sensorthings.endpoint import Answer, Endpoint
from agroforest.web.sensorthings.router import build_router

__all__ = ["Answer", "Endpoint", "build_router"]
