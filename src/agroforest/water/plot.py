"""What advice needs to know of a field besides its water."""

from dataclasses import dataclass

from agroforest.core.errors import ConfigurationError

#: 1 ha is 15 mu.
MU_PER_HECTARE = 15.0
#: m³ on a hectare under one millimetre.
M3_PER_MM_HECTARE = 10.0
#: Share of the water from the pipe that reaches the roots, by way of irrigation
#: (Brouwer, Prins & Heibloem 1989, FAO Irrigation Water Management Training Manual 4,
#: annex I, field application efficiency).
EFFICIENCY = {"surface": 0.60, "sprinkler": 0.75, "drip": 0.90}


@dataclass(frozen=True, kw_only=True, slots=True)
class Plot:
    """A field as its farmer knows it.

    Attributes
    ----------
    zh, en
        Its name.
    crop_zh, crop_en
        What grows on it.
    hectares
        Its size.
    flow
        m³ an hour that the valve lets through; ``None`` if unknown.
    efficiency
        Share of the water that reaches the roots, above 0 to 1.
    most_mm
        Largest irrigation at a time, from the pipe; ``None`` if any will do.
    """

    zh: str
    en: str
    crop_zh: str
    crop_en: str
    hectares: float
    flow: float | None = None
    efficiency: float = EFFICIENCY["sprinkler"]
    most_mm: float | None = None

    def __post_init__(self) -> None:
        if not self.hectares > 0:
            raise _refuse(self.en, f"area {self.hectares} ha", "give it above 0")
        if self.flow is not None and not self.flow > 0:
            raise _refuse(self.en, f"flow {self.flow} m3/h", "give it above 0, or not")
        if self.most_mm is not None and not self.most_mm > 0:
            raise _refuse(self.en, f"at most {self.most_mm} mm", "give it above 0")
        if not 0 < self.efficiency <= 1:
            raise _refuse(
                self.en, f"efficiency {self.efficiency}", "give it above 0, to 1"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """A sensor, or a satellite's pass, that the balance was drawn to.

    Attributes
    ----------
    id
        Of the readings.
    zh, en
        What people call it; the id unless given.
    trusted
        False if quality control distrusts it.
    reason
        Why.
    """

    id: str
    zh: str = ""
    en: str = ""
    trusted: bool = True
    reason: str = ""

    @property
    def names(self) -> tuple[str, str]:
        """Chinese and English."""
        return self.zh or self.id, self.en or self.id


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """Water to be given.

    Attributes
    ----------
    net_mm
        What the roots' zone takes up.
    gross_mm
        What leaves the pipe.
    m3, m3_per_mu
        The same, on the field and on each mu.
    minutes
        The valve is open; ``None`` where the flow is unknown.
    part
        True if the field takes more than goes in at a time.
    """

    net_mm: float
    gross_mm: float
    m3: float
    m3_per_mu: float
    minutes: float | None = None
    part: bool = False


def find_amount(net_mm: float, plot: Plot) -> Amount:
    """Turn millimetres in the roots' zone into cubic metres and minutes."""
    wanted = net_mm / plot.efficiency
    gross = wanted if plot.most_mm is None else min(wanted, plot.most_mm)
    volume = gross * M3_PER_MM_HECTARE * plot.hectares
    return Amount(
        net_mm=gross * plot.efficiency,
        gross_mm=gross,
        m3=volume,
        m3_per_mu=volume / (plot.hectares * MU_PER_HECTARE),
        minutes=None if plot.flow is None else 60.0 * volume / plot.flow,
        part=gross < wanted,
    )


def _refuse(where: str, problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(where, problem, remedy)
