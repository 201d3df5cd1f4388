"""SensorThings 1.1 services (OGC 18-088) as a source of readings.

`transport` asks one service and no other, within limits; `entities` reads what it
says of Things and Datastreams; `meaning` settles which sensor, variable, unit and
depth a Datastream is of; `client` puts them together. What others sent is never
believed: a part that cannot be read is set aside with its reason.
"""

from agroforest.sensors.sensorthings.client import Client, Page
from agroforest.sensors.sensorthings.mapping import ServiceMapping, read_service_mapping
from agroforest.sensors.sensorthings.meaning import Stream
from agroforest.sensors.sensorthings.transport import Limits, Service

__all__ = [
    "Client",
    "Limits",
    "Page",
    "Service",
    "ServiceMapping",
    "Stream",
    "read_service_mapping",
]
