"""The service answers the same from PostgreSQL as from SQLite."""

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.web.conftest import FIELD, NOW, ROOT, fill
from tests.web.test_sensorthings_fuzz import CONDITIONS

from agroforest.store import Store, open_store
from agroforest.web.sensorthings import Endpoint
from agroforest.web.sensorthings.entities import SETS

REQUESTS = [
    *SETS,
    f"Things('{FIELD}')/Datastreams?$orderby=properties/depth_m",
    "Observations?$orderby=phenomenonTime desc&$top=4&$count=true",
    "Observations?$orderby=result desc,id&$top=20",
    "Observations?$orderby=result,id&$top=20",
    "Datastreams?$orderby=properties/depth_m desc,id",
    "Things?$expand=Datastreams($expand=Thing)",
    "Things?$expand=Datastreams,Locations&$orderby=id",
    "Observations?$expand=Datastream,FeatureOfInterest&$top=20",
    "Observations?$filter=year(phenomenonTime) eq 2024 and hour(phenomenonTime) eq 2",
    "Observations?$filter=second(phenomenonTime) eq 0 and month(phenomenonTime) lt 6",
    "Observations?$filter=phenomenonTime lt 0001-01-01T00:00:00%2B23:00",
    "Observations?$filter=phenomenonTime lt now()&$orderby=phenomenonTime",
    "Things?$filter=substringof('''c', name) or substringof('%25', name)",
    "Things?$filter=startswith(name, '甘') and endswith(name, '3')",
    "Things?$filter=length(name) eq 5 and tolower(name) ne 'x'",
    "Things?$filter=properties/simulated eq true",
    "Things?$filter=true eq true and not (1 gt 2) and 'a' eq 'a' and null eq null",
    "Observations?$filter=Datastream/ObservedProperty/name eq 'battery'&$count=true",
    "Observations?$filter=result eq null or resultTime ne null",
    "Observations('0018d35c17383dfe.1714521600000000')/FeatureOfInterest/name/$value",
    "Datastreams?$filter=id eq '0018d35c17383dfe' and name ne null",
    "Things?$filter=name eq '\x00'",
]


@pytest.mark.slow
def test_postgresql_answers_as_sqlite_does(postgresql: str, store: Store) -> None:
    with open_store(postgresql) as server:
        fill(server)
        for address in REQUESTS:
            compare(store, server, address)

        @settings(max_examples=200)
        @given(st.sampled_from(sorted(SETS)), CONDITIONS)
        def compare_filters(name: str, condition: str) -> None:
            compare(store, server, f"{name}?$filter={quote(condition)}&$orderby=id")

        compare_filters()


def compare(one: Store, other: Store, address: str) -> None:
    path, _, query = address.partition("?")
    first, second = (
        Endpoint(each).answer(path, query, root=ROOT, now=NOW) for each in (one, other)
    )
    assert first == second, address
    assert first.status in {200, 400}
