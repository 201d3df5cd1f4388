"""Labels that somebody collected in the field, brought onto yearly composites.

`read_survey` reads them, `Timing` says to which year each belongs, `collect_canopy`
cuts the scenes around them.
"""

from agroforest.risk.datasets.survey.collect import CanopyRequest, collect_canopy
from agroforest.risk.datasets.survey.labels import Reason, Status, read_survey
from agroforest.risk.datasets.survey.timing import Timing

__all__ = [
    "CanopyRequest",
    "Reason",
    "Status",
    "Timing",
    "collect_canopy",
    "read_survey",
]
