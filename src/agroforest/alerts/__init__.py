"""Pure decisions: from risk maps to objects, and the life of an alert."""

from agroforest.alerts.life import step
from agroforest.alerts.objects import drop_rims, find_objects, revisit

__all__ = ["drop_rims", "find_objects", "revisit", "step"]
