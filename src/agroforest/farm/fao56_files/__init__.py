"""Files in the form of pyfao56: what a season of one field needs, as plain text.

=====  ====================================  =============================
file   what                                  read by
=====  ====================================  =============================
.par   crop and uniform soil                 `read_parameters`
.sol   soil in layers                        `read_parameters`
.wth   daily weather                         `read_weather`
.irr   irrigations                           `read_waterings`
.upd   canopy as it was seen                 `read_canopy`
.sws   soil moisture as it was measured      `read_profiles`
.out   a run, day by day                     `read_expected`, `read_run_days`
.sum   a run in sums                         `read_run_days`
=====  ====================================  =============================

Automatic irrigation (.ati) is refused by name: irrigation is what was done, or advice.
Written from the form of the files; old ones, without time stamp, efficiency, vapour
pressure or single crop coefficients, are read too.
"""

from agroforest.farm.fao56_files.parameters import Parameters, read_parameters
from agroforest.farm.fao56_files.run import Expected, read_expected, read_run_days
from agroforest.farm.fao56_files.schedule import (
    read_canopy,
    read_profiles,
    read_waterings,
)
from agroforest.farm.fao56_files.weather import read_weather

__all__ = [
    "Expected",
    "Parameters",
    "read_canopy",
    "read_expected",
    "read_parameters",
    "read_profiles",
    "read_run_days",
    "read_waterings",
    "read_weather",
]
