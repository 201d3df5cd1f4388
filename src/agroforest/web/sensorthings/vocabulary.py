"""Our variables in the words of others: units of UCUM, definitions, both languages."""

from dataclasses import dataclass

from sqlalchemy import Subquery, literal, select, union_all

from agroforest.core.reading import Variable

_CF = "http://vocab.nerc.ac.uk/standard_name/"
_QUDT = "http://qudt.org/vocab/quantitykind/"
_UCUM = "http://www.opengis.net/def/uom/UCUM/0/"
OBSERVATION_TYPE = (
    "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """What a variable is called elsewhere.

    Attributes
    ----------
    variable
        Ours.
    label
        For names of Datastreams.
    definition
        Standard name of the CF conventions, or quantity kind of QUDT.
    description
        Chinese and English.
    unit, symbol
        Name and UCUM code.
    """

    variable: Variable
    label: str
    definition: str
    description: str
    unit: str
    symbol: str


TERMS = (
    Term(
        variable=Variable.SOIL_MOISTURE,
        label="soil moisture",
        definition=f"{_CF}volume_fraction_of_condensed_water_in_soil/",
        description="土壤体积含水量 Volume of water per volume of soil",
        unit="cubic metre per cubic metre",
        symbol="m3/m3",
    ),
    Term(
        variable=Variable.SOIL_TEMPERATURE,
        label="soil temperature",
        definition=f"{_CF}soil_temperature/",
        description="土壤温度 Temperature of the soil",
        unit="degree Celsius",
        symbol="Cel",
    ),
    Term(
        variable=Variable.SOIL_CONDUCTIVITY,
        label="soil conductivity",
        definition=f"{_QUDT}ElectricConductivity",
        description="土壤电导率 Electrical conductivity of the soil",
        unit="microsiemens per centimetre",
        symbol="uS/cm",
    ),
    Term(
        variable=Variable.AIR_TEMPERATURE,
        label="air temperature",
        definition=f"{_CF}air_temperature/",
        description="气温 Temperature of the air",
        unit="degree Celsius",
        symbol="Cel",
    ),
    Term(
        variable=Variable.RELATIVE_HUMIDITY,
        label="relative humidity",
        definition=f"{_CF}relative_humidity/",
        description="相对湿度 Relative humidity of the air",
        unit="percent",
        symbol="%",
    ),
    Term(
        variable=Variable.PRECIPITATION,
        label="precipitation",
        definition=f"{_CF}lwe_thickness_of_precipitation_amount/",
        description="降水量 Precipitation since the observation before",
        unit="millimetre",
        symbol="mm",
    ),
    Term(
        variable=Variable.BATTERY,
        label="battery",
        definition=f"{_QUDT}Voltage",
        description="电池电压 Voltage of the battery",
        unit="volt",
        symbol="V",
    ),
    Term(
        variable=Variable.BATTERY_LEVEL,
        label="battery level",
        definition=f"{_QUDT}DimensionlessRatio",
        description="电池电量 What is left in the battery, as the device estimates it",
        unit="percent",
        symbol="%",
    ),
)


def define_unit(symbol: str) -> str:
    """Address of a unit of UCUM, in OGC's form."""
    return _UCUM + symbol


def build_table() -> Subquery:
    """Build the terms as a table, so that they can be filtered and joined."""
    return union_all(
        *(
            select(
                literal(str(term.variable)).label("id"),
                literal(term.label).label("label"),
                literal(term.definition).label("definition"),
                literal(term.description).label("description"),
                literal(term.unit).label("unit"),
                literal(term.symbol).label("symbol"),
            )
            for term in TERMS
        )
    ).subquery("variable")
