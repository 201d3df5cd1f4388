"""What sentences call a probe."""

import pytest
from tests.nightly.water.made import NIGHT, Farm
from tests.nightly.water.test_probes_of_a_night import moist, stuck

from agroforest.core.reading import Sensor
from agroforest.nightly.water.probe_names import name_probes


def test_probes_are_called_by_their_names() -> None:
    found = name_probes(
        [
            Sensor(id="lorawan:a840411234567890", name="甘蔗地 3"),
            Sensor(id="lorawan:a840411234567891", name="A840411234567891"),
            Sensor(id="farm:4", name="farm:4"),
            Sensor(id="farm:5", name=" "),
        ]
    )
    assert found == {
        "satellite": ("卫星湿度", "wetness seen by satellite"),
        "lorawan:a840411234567890": ("甘蔗地 3", "甘蔗地 3"),
        "lorawan:a840411234567891": (
            "探头 a840411234567891",
            "probe a840411234567891",
        ),
        "farm:4": ("探头 farm:4", "probe farm:4"),
        "farm:5": ("探头 farm:5", "probe farm:5"),
    }


def test_two_of_one_name_can_be_told_apart() -> None:
    twins = [Sensor(id=f"lorawan:a84041123456789{n}", name="岗上") for n in (0, 1)]
    found = name_probes(twins)
    assert found[twins[0].id] == ("岗上 …7890", "岗上 …7890")
    assert found[twins[1].id] == ("岗上 …7891", "岗上 …7891")


@pytest.mark.parametrize(
    ("values", "words"),
    [(moist(), "依据 岗上"), (stuck(), "岗上 不可信，未采用")],
    ids=["drawn-to", "doubted"],
)
def test_the_sentence_of_a_night_names_no_id(
    farm: Farm, values: list[float], words: str
) -> None:
    farm.probe("lorawan:a840411234567890", values, last=NIGHT, title="岗上")
    one = farm.parcel(NIGHT)
    assert words in one["zh"]
    assert "岗上" in one["en"]
    assert "a840411234567890" not in one["zh"] + one["en"]
    assert one["sensors"][0]["id"] == "lorawan:a840411234567890"
