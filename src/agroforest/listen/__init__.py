"""The listener: messages of sensors on the disk first, then read, none lost.

Senders (`broker`, `webhook`) hand messages to the `inbox`, which tells them that it
has a message once the `spool` holds it. The `consumer` reads the spool, decodes, and
commits readings, dead letters and its position in one transaction. Joins the rooms
of sensors and facts, as `nightly` does, and knows nothing of nights.
"""

from agroforest.listen.listener import Figures, listen
from agroforest.listen.replay import replay
from agroforest.listen.settings import ListenSettings, read_listen_settings

__all__ = [
    "Figures",
    "ListenSettings",
    "listen",
    "read_listen_settings",
    "replay",
]
