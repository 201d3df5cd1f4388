"""What the service says, request by request."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from tests.web.conftest import FIELD, ODD, ROOT, Ask

from agroforest.web.sensorthings.options import parse_options

Find = Callable[[str], list[dict[str, Any]]]

IDS = {
    "甘蔗地 3 soil moisture 10 cm": "6c0880b9e1c79d0e",
    "甘蔗地 3 soil moisture 30 cm": "0018d35c17383dfe",
    "B 'c' battery": "3dd7dfc56aab6dc1",
}
UPPER = "Datastream/properties/depth_m eq 0.1"


def test_root_lists_every_set_of_the_standard(ask: Ask) -> None:
    answer = ask("")
    assert answer.status == 200
    assert [each["name"] for each in answer.body["value"]] == [
        "Things",
        "Locations",
        "HistoricalLocations",
        "Datastreams",
        "Sensors",
        "ObservedProperties",
        "Observations",
        "FeaturesOfInterest",
    ]
    assert all(ask(each["url"]).status == 200 for each in answer.body["value"])


def test_a_thing(ask: Ask) -> None:
    own = f"{ROOT}/Things('ismn:MAQU%2FCST-01')"
    assert ask("Things('ismn:MAQU/CST-01')").body == {
        "@iot.id": FIELD,
        "@iot.selfLink": own,
        "name": "甘蔗地 3",
        "description": "传感器 Sensor ismn:MAQU/CST-01",
        "properties": {"simulated": False, "elevation": 80.0},
        "Datastreams@iot.navigationLink": f"{own}/Datastreams",
        "Locations@iot.navigationLink": f"{own}/Locations",
        "HistoricalLocations@iot.navigationLink": f"{own}/HistoricalLocations",
    }


def test_a_datastream_with_unit_and_period(find: Find) -> None:
    (found,) = find("Datastreams?$filter=properties/depth_m eq 0.1")
    assert found["name"] == "甘蔗地 3 soil moisture 10 cm"
    assert found["unitOfMeasurement"]["symbol"] == "m3/m3"
    assert found["phenomenonTime"] == "2024-05-01T00:00:00Z/2024-05-01T05:00:00Z"
    assert found["properties"] == {"variable": "soil_moisture", "depth_m": 0.1}


def test_an_observation(find: Find) -> None:
    at = "phenomenonTime eq 2024-05-01T03:00:00Z"
    (found,) = find(f"Observations?$filter={at} and {UPPER}")
    del found["@iot.id"], found["@iot.selfLink"]
    links = {name: found.pop(name) for name in list(found) if "Link" in name}
    assert found == {
        "phenomenonTime": "2024-05-01T03:00:00Z",
        "result": pytest.approx(0.23),
        "resultTime": None,
        "resultQuality": [{"nameOfMeasure": "spike"}, {"nameOfMeasure": "flat"}],
    }
    assert len(links) == 2


def test_places(find: Find) -> None:
    (place,) = find("Locations")  # the other sensor has none
    assert place["location"] == {"type": "Point", "coordinates": [108.35, 22.81, 80.0]}
    assert find("Things('b''c')/Locations") == []
    (missing,) = find("FeaturesOfInterest?$filter=id eq 'b''c'")
    assert missing["feature"]["geometry"] is None


def test_every_link_of_every_entity_leads_somewhere(find: Find, ask: Ask) -> None:
    followed = 0
    for name in [each["name"] for each in ask("").body["value"]]:
        for entity in find(f"{name}?$top=3"):
            assert ask(unquote(entity["@iot.selfLink"])).body == entity
            for key, link in entity.items():
                if key.endswith("@iot.navigationLink"):
                    assert ask(unquote(link)).status == 200, link
                    followed += 1
    assert followed > 30


def test_paths(ask: Ask, find: Find) -> None:
    (stream,) = find("Datastreams?$filter=properties/depth_m eq 0.3&$select=id")
    name = stream["@iot.id"]
    path = f"Things('{FIELD}')/Datastreams('{name}')"
    assert ask(f"{path}/ObservedProperty/name").body == {"name": "soil_moisture"}
    assert ask(f"{path}/ObservedProperty/name/$value").body == "soil_moisture"
    assert len(find(f"{path}/Observations")) == 6
    assert len(find(f"{path}/Thing/Datastreams")) == 2
    (seen, *_) = find(f"{path}/Observations")
    assert seen["@iot.id"] == f"{name}.1714521600000000"
    entity = f"Observations('{name}.1714521600000000')"
    assert ask(f"{entity}/FeatureOfInterest/@iot.id").body == {"@iot.id": FIELD}
    assert ask(f"{entity}/Datastream/$ref").body == {
        "@iot.selfLink": f"{ROOT}/Datastreams('{name}')"
    }
    assert find(f"Datastreams('{name}')/Observations/$ref?$top=1") == [
        {"@iot.selfLink": f"{ROOT}/{entity}"}
    ]


@pytest.mark.parametrize(
    "path",
    [
        "Nothing",
        "things",
        "Things('x')",
        "Things('x')/Datastreams",
        f"Things('{FIELD}')/Observations",
        f"Things('{FIELD}')/Datastreams('0123456789abcdef')",
        f"Things('{FIELD}')/name/name",
        f"Things('{FIELD}')/name('x')",
        f"Things('{FIELD}')/$value",
        "Things/name",
        "Things/Datastreams",
        "Things/$value",
        "Things/$ref/$ref",
        "Datastreams('ffffffffffffffff')",
        "Datastreams('x')",
        "Observations('x')",
        "Observations('0123456789abcdef.999999999999999999')",
        "Locations('b''c')",
        "HistoricalLocations('1')",
        "Things('\x00')",
    ],
)
def test_what_is_not_there(ask: Ask, path: str) -> None:
    answer = ask(path)
    assert (answer.status, answer.body["code"]) == (404, 404)
    assert "is not there" in answer.body["message"]


@pytest.mark.parametrize(
    ("condition", "hours"),
    [
        ("phenomenonTime gt 2024-05-01T03:00:00Z", [4, 5]),
        ("phenomenonTime ge 2024-05-01T11:00:00%2B08:00", [3, 4, 5]),
        ("phenomenonTime lt '2024-05-01T02:00:00Z'", [0, 1]),
        ("2024-05-01T02:00:00Z gt phenomenonTime", [0, 1]),
        ("phenomenonTime lt 0001-01-01T00:00:00%2B23:00", []),
        ("phenomenonTime lt 9999-12-31T23:59:59.999999-23:00", [0, 1, 2, 3, 4, 5]),
        ("result le 0.21", [0, 1]),
        ("0.21 ge result", [0, 1]),
        ("result eq 0.2", [0]),
        ("result ne 2e-1 and result lt 0.225", [1, 2]),
        ("result lt 0.205 or result gt 0.245", [0, 5]),
        ("not result lt 0.245", [5]),
        ("not (result lt 0.245 or result gt 9)", [5]),
        ("result lt 0.205 or result gt 0.205 and result gt 0.245", [0, 5]),
        ("(result lt 0.205 or result gt 0.205) and result gt 0.245", [5]),
        ("hour(phenomenonTime) ge 4", [4, 5]),
        ("day(phenomenonTime) eq 1 and hour(phenomenonTime) eq 0", [0]),
        ("month(phenomenonTime) eq 4", []),
        ("year(phenomenonTime) eq year(now())", [0, 1, 2, 3, 4, 5]),
        ("phenomenonTime gt now()", []),
        ("substringof('甘蔗',Datastream/Thing/name)", [0, 1, 2, 3, 4, 5]),
        ("startswith(Datastream/Thing/name,'B')", []),
        ("resultTime eq null", [0, 1, 2, 3, 4, 5]),
        ("resultTime gt 2024-05-01T03:00:00Z", []),
        ("Datastream/ObservedProperty/id eq 'soil_moisture'", [0, 1, 2, 3, 4, 5]),
        ("FeatureOfInterest/id ne 'b''c' and result eq 0.2", [0]),
    ],
)
def test_filters(find: Find, condition: str, hours: list[int]) -> None:
    found = find(f"Observations?$filter={UPPER} and ({condition})")
    assert [int(each["phenomenonTime"][11:13]) for each in found] == hours


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("name eq 'B ''c'''", [ODD]),
        ("substringof('%25', name)", []),
        ("substringof('_', name)", []),
        ("substringof('''', name)", [ODD]),
        ("substringof('', name)", [ODD, FIELD]),
        ("substringof(name, name)", [ODD, FIELD]),
        ("startswith(id, 'x')", None),
        ("startswith(description, '传感器')", [ODD, FIELD]),
        ("startswith(name, '')", [ODD, FIELD]),
        ("startswith(name, 'b')", []),
        ("startswith(tolower(name), 'b') eq true", [ODD]),
        ("endswith(name, ' 3')", [FIELD]),
        ("endswith(name, 'a much longer text than the name')", []),
        ("length(name) eq 5", [ODD, FIELD]),
        ("toupper(name) eq 'B ''C'''", [ODD]),
        ("properties/simulated", [ODD]),
        ("properties/simulated eq false", [FIELD]),
        ("not properties/simulated", [FIELD]),
        ("properties/elevation gt 6", [FIELD]),
        ("properties/elevation ne null", [ODD, FIELD]),
        ("@iot.id eq 'b''c'", [ODD]),
        ("'b''c' eq id", [ODD]),
        ("id ne 'b''c'", [FIELD]),
        ("id eq 1", []),
        ("true", [ODD, FIELD]),
        ("false or 1 eq 1", [ODD, FIELD]),
        ("true eq false", []),
        ("null eq null", [ODD, FIELD]),
        ("name eq 'x'' or 1 eq 1 or name eq ''x'", []),
        ("name eq 'x); DROP TABLE sensor; --'", []),
    ],
)
def test_filters_of_things(ask: Ask, condition: str, ids: list[str] | None) -> None:
    answer = ask(f"Things?$filter={condition}&$select=id")
    if ids is None:
        assert answer.status == 400
    else:
        assert [each["@iot.id"] for each in answer.body["value"]] == ids


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("Things?$filter=", "at character 1"),
        ("Things?$filter=name", "has name alone"),
        ("Things?$filter=name gt 5", "compares name, text, with 5, number"),
        ("Things?$filter=name eq", "'end' at character"),
        ("Things?$filter=name eq 'x", "cannot be read at"),
        ("Things?$filter=(name eq 'x'", "')' is expected"),
        ("Things?$filter=name eq 'x')", "the end is expected"),
        ("Things?$filter=name eq 'x' name", "the end is expected"),
        ("Things?$filter=wrong eq 1", "names 'wrong'"),
        ("Things?$filter=Datastreams/name eq 'x'", "names 'Datastreams/name'"),
        ("Things?$filter=geo.distance(name,'x') lt 1", "calls geo.distance()"),
        ("Things?$filter=startswith(name)", "gives startswith() something else"),
        ("Things?$filter=startswith(name,5)", "gives startswith() something else"),
        ("Things?$filter=year(name) eq 1", "gives year() something else"),
        ("Things?$filter=id gt 'a'", "compares an id by gt"),
        ("Things?$filter=id eq name", "compares an id by eq"),
        ("Things?$filter=name gt null", "compares with null by gt"),
        ("Things?$filter=properties/simulated gt true", "sorts true and false"),
        ("Things?$filter=name add 5 eq 5", "'add' at character"),
        ("Things?$filter=properties/elevation eq 1e999", "has the number 1e999"),
        ("Things?$filter=name eq '\x00'", "NUL"),
        ("Observations?$filter=phenomenonTime gt 2024-05-01T00:00:00", "its zone"),
        ("Observations?$filter=phenomenonTime gt 2024-13-01T00:00:00Z", "2024-13"),
        ("Observations?$filter=phenomenonTime gt 'soon'", "'soon'"),
        ("Observations?$filter=phenomenonTime gt 5", "compares phenomenonTime, time"),
        ("Things?$filter=" + "(" * 30 + "true" + ")" * 30, "nested over 20 deep"),
        ("Things?$filter=" + "not " * 30 + "true", "nested over 20 deep"),
        ("Things?$filter=" + " or ".join(["true"] * 101), "over 100 conditions"),
        ("Things?$filter=" + "x" * 5000, "5000 characters"),
        ("Things?$orderby=wrong", "names 'wrong'"),
        ("Things?$orderby=name up", "'name up'"),
        ("Things?$orderby=" + "name," * 30, "over 20 parts"),
        ("Things?$top=-1", "$top: is '-1'"),
        ("Things?$top=ten", "$top: is 'ten'"),
        ("Things?$top=٣", "$top"),
        ("Things?$top=" + "9" * 30, "$top"),
        ("Things?$skip=99999999", "at most 10000000"),
        ("Things?$count=yes", "$count: is 'yes'"),
        ("Things?$select=", "is empty"),
        ("Things?$select=wrong", "has 'wrong'"),
        ("Things?$select=a b", "has 'a b'"),
        ("Things?$expand=Observations", "has 'Observations'"),
        ("Things?$expand=Datastreams/Thing", "one level"),
        ("Things?$expand=Datastreams($expand=Thing)", "deeper than one level"),
        ("Things?$expand=Datastreams($top=x)", "$top: is 'x'"),
        ("Things?$expand=Datastreams,Datastreams", "twice"),
        ("Things?$expand=Datastreams(", "has 'Datastreams('"),
        ("Things?$wrong=1", "is no option"),
        ("Things?$resultFormat=dataArray", "is no option"),
        ("Things?$top=1&$top=2", "given twice"),
        ("Things?" + "a=1&" * 30, "over 20 options"),
        ("Observations?$skiptoken=x", "follow @iot.nextLink"),
        ("Things?$skiptoken=0123456789abcdef.1", "follow @iot.nextLink"),
        ("Observations?$orderby=result&$skiptoken=0123456789abcdef.1", "follow"),
        (f"Things('{FIELD}')?$filter=true", "is for collections"),
        ("Things(", "cannot be read from"),
        ("Things('x", "cannot be read from"),
        ("Things;x", "cannot be read from"),
        ("a/" * 20, "cannot be read from"),
    ],
)
def test_requests_that_are_wrong_are_told_why(
    ask: Ask, address: str, said: str
) -> None:
    answer = ask(address)
    assert (answer.status, answer.body["code"]) == (400, 400)
    assert said in answer.body["message"]
    assert "\n" not in answer.body["message"]


def test_sorting(find: Find) -> None:
    by_value = find("Observations?$orderby=result desc,phenomenonTime&$top=15")
    values = [each["result"] for each in by_value]
    assert values[-1] is None  # what is missing is lowest
    assert values[:-1] == sorted(values[:-1], reverse=True)
    rising = [each["result"] for each in find("Observations?$orderby=result&$top=2")]
    assert rising == [None, pytest.approx(0.2)]
    names = [each["name"] for each in find("Things?$orderby=name desc")]
    assert names == ["甘蔗地 3", "B 'c'"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "$orderby=phenomenonTime",
        "$orderby=phenomenonTime asc",
        "$orderby=phenomenonTime desc",
        "$orderby=result desc",
        "$orderby=Datastream/Thing/name desc,phenomenonTime",
        "$filter=result gt 0.205 or result eq null&$orderby=phenomenonTime desc",
    ],
)
@pytest.mark.parametrize("top", [1, 4, 7])
@pytest.mark.parametrize("start", ["Observations", f"Things('{FIELD}')/Datastreams"])
def test_pages_hold_everything_once_and_in_order(
    ask: Ask, find: Find, query: str, top: int, start: str
) -> None:
    if start != "Observations":
        start = unquote(find(start)[0]["Observations@iot.navigationLink"])
    whole = ask(f"{start}?{query}&$count=true")
    link: str | None = f"{start}?{query}&$top={top}&$count=true"
    found: list[dict[str, Any]] = []
    while link is not None:
        page = ask(link)
        assert page.status == 200, page.body
        assert page.body["@iot.count"] == len(whole.body["value"])
        assert len(page.body["value"]) <= top
        found += page.body["value"]
        following = page.body.get("@iot.nextLink")
        # The path is decoded by the server, the query by us.
        link = following and unquote(following.partition("?")[0]) + (
            "?" + following.partition("?")[2]
        )
    assert found == whole.body["value"]


def test_skip_and_time_order(find: Find) -> None:
    whole = find("Observations?$orderby=phenomenonTime desc")
    assert (
        find("Observations?$orderby=phenomenonTime desc&$skip=3&$top=5") == whole[3:8]
    )
    times = [each["phenomenonTime"] for each in whole]
    assert times == sorted(times, reverse=True)


def test_no_page_is_longer_than_a_thousand(ask: Ask) -> None:
    assert parse_options([("$top", "5000")]).top == 1000
    assert ask("Observations?$top=5000").status == 200
    none = ask("Observations?$top=0&$count=true").body
    assert none == {"@iot.count": 15, "value": []}


def test_expand(find: Find) -> None:
    things = find(
        "Things?$expand=Datastreams($select=name;$top=1;$count=true;"
        "$orderby=properties/depth_m desc),Locations"
    )
    field = things[1]
    assert field["Datastreams"] == [{"name": "甘蔗地 3 soil moisture 30 cm"}]
    assert field["Datastreams@iot.count"] == 2
    following = find(unquote(field["Datastreams@iot.nextLink"]))
    assert following == [{"name": "甘蔗地 3 soil moisture 10 cm"}]
    assert [each["name"] for each in field["Locations"]] == ["甘蔗地 3"]
    assert things[0]["Locations"] == []


def test_expand_of_single_links(find: Find, ask: Ask) -> None:
    found = find("Observations?$expand=Datastream,FeatureOfInterest($select=id)")
    for each in found:
        stream = ask(unquote(each["Datastream@iot.navigationLink"])).body
        assert each["Datastream"] == stream
        place = ask(unquote(each["FeatureOfInterest@iot.navigationLink"])).body
        assert each["FeatureOfInterest"] == {"@iot.id": place["@iot.id"]}
    own = ask(unquote(found[0]["@iot.selfLink"]) + "?$expand=Datastream").body
    assert own["Datastream"] == found[0]["Datastream"]


def test_latest_value_of_every_datastream(find: Find) -> None:
    latest = find(
        "Datastreams?$expand=Observations($orderby=phenomenonTime desc;$top=1)"
        "&$orderby=name"
    )
    times = [each["Observations"][0]["phenomenonTime"] for each in latest]
    assert times == [
        "2024-05-01T02:30:00.000001Z",
        "2024-05-01T05:00:00Z",
        "2024-05-01T05:00:00Z",
    ]


def test_select(find: Find, ask: Ask) -> None:
    (found,) = find("Things?$select=name,id,Datastreams&$filter=properties/simulated")
    assert found == {
        "name": "B 'c'",
        "@iot.id": ODD,
        "Datastreams@iot.navigationLink": f"{ROOT}/Things('b''c')/Datastreams",
    }
    assert ask("Things('b''c')?$select=name").body == {"name": "B 'c'"}


def test_an_answer_is_bounded(
    ask: Ask, find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agroforest.web.sensorthings.document.MOST_ENTITIES", 10)
    answer = ask("Datastreams?$expand=Observations")
    assert answer.status == 400
    assert "over 10 entities" in answer.body["message"]
    assert len(find("Datastreams?$expand=Observations($top=1)")) == 3


def test_ids_come_from_content(find: Find) -> None:
    # Golden: others keep them in their links.
    found = {each["name"]: each["@iot.id"] for each in find("Datastreams")}
    assert found == IDS
