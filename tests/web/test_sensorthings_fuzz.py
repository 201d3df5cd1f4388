"""Whatever is asked, the answer is one of ours: never a fault of the service."""

import contextlib
import json
import os
from datetime import UTC, datetime
from urllib.parse import quote

from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, create_engine, literal, select
from tests.web.conftest import FIELD, NOW, ROOT

from agroforest.core.errors import DataError
from agroforest.store import Store
from agroforest.store.times import to_microseconds
from agroforest.web.sensorthings import Endpoint
from agroforest.web.sensorthings.compiler import Compiler
from agroforest.web.sensorthings.declared import Field, Kind
from agroforest.web.sensorthings.entities import SETS
from agroforest.web.sensorthings.parser import parse_filter

#: The service answers in milliseconds, but each example asks several times.
_ANY = settings(max_examples=int(os.environ.get("AGROFOREST_FUZZ", "200")))

_NAMES = sorted({path for each in SETS.values() for path in each.fields})
_WORDS = st.sampled_from(
    [
        *_NAMES,
        *("eq", "ne", "gt", "ge", "lt", "le", "and", "or", "not", "(", ")", ",", "/"),
        *("null", "true", "false", "now()", "startswith(", "substringof(", "year("),
        *("length(", "tolower(", "'x'", "''", "'''", "1", "-2.5e3", "1e308", "9" * 40),
        *("2024-05-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"),
        *("$filter=", "$top=", "$expand=", "$orderby=", "$select=", "$count=true"),
        *("$skip=", "$skiptoken=", "&", ";", "=", "desc", "\x00", "\ud7ff", "%", "+"),
        *("0123456789abcdef.5", "ffffffffffffffff", "7fffffffffffffff.999", "Things"),
    ]
)
_NOISE = st.lists(_WORDS | st.text(max_size=6), max_size=14).map(" ".join)


@st.composite
def _values(draw: st.DrawFn) -> str:
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return draw(st.sampled_from(_NAMES))
    if kind == 1:
        return "'{}'".format(draw(st.text(max_size=5)).replace("'", "''"))
    if kind == 2:
        return repr(draw(st.floats(allow_nan=False, allow_infinity=False)))
    if kind == 3:
        time = draw(st.datetimes(timezones=st.just(UTC)))
        return time.isoformat().replace("+00:00", "Z")
    name = draw(st.sampled_from(["year", "month", "hour", "length", "toupper"]))
    return f"{name}({draw(st.sampled_from(_NAMES))})"


_COMPARISONS = st.builds(
    "{} {} {}".format,
    _values(),
    st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]),
    _values(),
)
CONDITIONS = st.recursive(
    _COMPARISONS,
    lambda inner: st.builds(
        "({}) {} {}".format, inner, st.sampled_from(["and", "or", "and not"]), inner
    ),
    max_leaves=6,
)


def check(store: Store, path: str, query: str) -> int:
    answer = Endpoint(store).answer(path, query, root=ROOT, now=NOW)
    assert answer.status in {200, 400, 404}
    if not isinstance(answer.body, str):
        json.dumps(answer.body, allow_nan=False).encode()
    return answer.status


@_ANY
@given(path=_NOISE, query=_NOISE)
def test_noise(store: Store, path: str, query: str) -> None:
    check(store, path, query)
    for name in ("Observations", "Datastreams", f"Things('{FIELD}')"):
        check(store, f"{name}/{path}", query)
        check(store, name, query)


@_ANY
@given(name=st.sampled_from(sorted(SETS)), text=_NOISE | CONDITIONS)
@example(name="Observations", text="id eq 'ffffffffffffffff.1'")
@example(name="Observations", text="id eq '7fffffffffffffff.999999999999999999'")
@example(name="Things", text="name eq '\x00'")
def test_filters(store: Store, name: str, text: str) -> None:
    check(store, name, f"$filter={quote(text)}&$count=true&$top=3")
    check(store, name, f"$filter={quote(text)}&$orderby=phenomenonTime desc&$top=3")


@_ANY
@given(
    name=st.sampled_from(sorted(SETS)),
    options=st.dictionaries(
        st.sampled_from(
            ["$orderby", "$top", "$skip", "$select", "$expand", "$count", "$skiptoken"]
        ),
        _NOISE,
        max_size=4,
    ),
)
def test_options(store: Store, name: str, options: dict[str, str]) -> None:
    query = "&".join(f"{key}={quote(value)}" for key, value in options.items())
    check(store, name, query)


@given(st.text(max_size=40) | CONDITIONS)
def test_the_parser_reads_or_refuses(text: str) -> None:
    with contextlib.suppress(DataError):
        parse_filter(text)


@given(st.text())
def test_a_text_in_a_filter_is_only_a_text(store: Store, text: str) -> None:
    written = quote("'{}'".format(text.replace("'", "''")), safe="")
    everything = 0
    for condition in (f"name eq {written}", f"substringof({written},name)"):
        answer = Endpoint(store).answer(
            "Things", f"$filter={condition}", root=ROOT, now=NOW
        )
        if "\x00" in text:
            assert answer.status == 400
            continue
        assert answer.status == 200
        names = [each["name"] for each in answer.body["value"]]
        everything += len(names)
        if condition.startswith("name"):
            assert all(name == text for name in names)
        else:
            assert all(text in name for name in names)
    assert everything <= 4


@given(
    st.datetimes(
        min_value=datetime(1, 1, 2),  # noqa: DTZ001  hypothesis asks for naive ones
        timezones=st.just(UTC),
    )
)
@example(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
@example(datetime(2023, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
@example(datetime(2024, 2, 29, tzinfo=UTC))
def test_parts_of_a_time(time: datetime) -> None:
    field = Field(kind=Kind.TIME, column=literal(to_microseconds(time), BigInteger))
    compiler = Compiler({"t": field}, dialect="sqlite", now=NOW)
    parts = ("year", "month", "day", "hour", "minute", "second")
    with create_engine("sqlite://").connect() as connection:
        for part in parts:
            condition = f"{part}(t) eq {getattr(time, part)}"
            sql = compiler.compile(parse_filter(condition))
            assert connection.scalar(select(sql)), condition
