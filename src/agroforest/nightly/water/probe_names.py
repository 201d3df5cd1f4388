"""What sentences call a probe: its name, never the address that machines use."""

from collections import Counter
from collections.abc import Mapping, Sequence

from agroforest.core.reading import Sensor
from agroforest.nightly.water.weather import Words

#: What the balance calls a satellite's pass, and what people do.
SATELLITE = "satellite"
_SEEN: Words = ("卫星湿度", "wetness seen by satellite")
#: Before the number that a device was built with.
_NETWORK = "lorawan:"
#: Characters of an id that tell two probes of one name apart.
_TAIL = 4


def name_probes(sensors: Sequence[Sensor]) -> Mapping[str, Words]:
    """Name the probes of a field for its sentences, Chinese and English.

    Of two with the same name each gets the end of its id, too. A probe that nobody
    named is called by its device's number.

    Parameters
    ----------
    sensors
        Of one field.

    Returns
    -------
    Mapping
        By id of the sensor; the satellite among them.
    """
    given = {one.id: _find_name(one) for one in sensors}
    often = Counter(given.values())
    found = {SATELLITE: _SEEN}
    for name, said in given.items():
        if not said:
            number = name.removeprefix(_NETWORK)
            found[name] = f"探头 {number}", f"probe {number}"
        elif often[said] > 1:
            found[name] = (f"{said} …{name[-_TAIL:]}",) * 2
        else:
            found[name] = said, said
    return found


def _find_name(sensor: Sensor) -> str:
    """Find the name that people gave it; empty where it only repeats the id."""
    said = sensor.name.strip()
    number = sensor.id.removeprefix(_NETWORK)
    return "" if said.casefold() in {sensor.id.casefold(), number.casefold()} else said
