"""Whatever programs send, the answer is one that the description names.

`AGROFOREST_FUZZ` sets how many requests there are in all, some more or less.
"""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.web.api.asking import issue
from tests.web.desks import NIGHT, NOW, Desk
from tests.web.pages.work import (
    add_sensors,
    open_work_desk,
    parcel,
    write_rasters,
    write_report,
    write_water,
)

from agroforest.core.queue import CaseQuery
from agroforest.cube import write_item
from agroforest.desk.settings import DeskSettings

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]

#: Operations are some forty, each is asked rightly and wrongly.
_EACH = max(3, int(os.environ.get("AGROFOREST_FUZZ", "400")) // 80)
_LOG = logging.getLogger(__name__)
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
_ALL = CaseQuery(limit=500)
_ANSWERED: Counter[int] = Counter()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    path = tmp_path_factory.mktemp("fuzz")
    write_water(path, [parcel(number) for number in (1, 2, 3)])
    write_report(path, NIGHT)
    write_rasters(path)
    for raster in path.glob("*/*/*/*.tif"):
        write_item(raster, NOW)
    public = {"sender": "alerts@forestry.example", "open": True}
    chosen = DeskSettings.model_validate({"public": public})
    with open_work_desk(path, pipelines=False, settings=chosen) as opened:
        add_sensors(opened.store)
        yield opened
    told = dict(sorted(_ANSWERED.items()))
    _LOG.warning("%d requests, answered with %s", _ANSWERED.total(), told)


@pytest.fixture(scope="module")
def description(desk: Desk) -> Any:
    headers = _show(desk)
    path = "/api/v1/openapi.json"
    found = schemathesis.openapi.from_asgi(path, app=desk.app, headers=headers)
    names = sorted(row.id for row in desk.site.store.desk.queue(_ALL).rows)

    @found.hook
    def map_path_parameters(context: Any, path_parameters: Any) -> Any:
        """Ask for cases that there are, every other time."""
        if "cases" in context.operation.path and "id" in (path_parameters or {}):
            seed = len(repr(path_parameters["id"]))
            if seed % 2:
                path_parameters["id"] = names[seed % len(names)]
        return path_parameters

    @found.hook
    def map_body(context: Any, body: Any) -> Any:
        """Name versions that there are."""
        version = body.get("version") if isinstance(body, dict) else None
        if isinstance(version, int) and "acts" in context.operation.path:
            body["version"] = abs(version) % 3 + 1
        return body

    return found


_TOKENS: dict[int, str] = {}


def _show(desk: Desk) -> dict[str, str]:
    token = _TOKENS.setdefault(id(desk), issue(desk, "ada"))
    return {"Authorization": f"Bearer {token}", "Host": "127.0.0.1"}


def test_every_answer_is_described(desk: Desk, description: Any) -> None:
    faults: list[str] = []
    for found in description.get_all_operations():
        for mode in GenerationMode:
            try:
                _ask(desk, found.ok(), mode)
            except (FailureGroup, Failure, ExceptionGroup) as error:
                faults.append(f"{found.ok().label} ({mode.value}): {error}")
    assert not faults, "\n\n".join(faults)


def _ask(desk: Desk, operation: Any, mode: GenerationMode) -> None:
    headers = _show(desk)

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=_EACH, deadline=None, suppress_health_check=list(HealthCheck)
    )
    def ask(case: Case[Any]) -> None:
        answer = case.call(headers=headers, base_url="http://127.0.0.1")
        _ANSWERED[answer.status_code] += 1
        case.validate_response(answer, headers=headers, checks=_CHECKS)

    ask()
