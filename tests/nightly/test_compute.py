"""Where tasks run: on the loopback, or on the scheduler that was named."""

import os

import psutil
import pytest
from distributed import LocalCluster
from tests.nightly.conftest import Site
from tests.nightly.test_nights import FIRST

from agroforest.core.errors import ConfigurationError
from agroforest.nightly.compute import Compute

pytestmark = pytest.mark.enable_socket


def test_nothing_listens_beyond_the_loopback() -> None:
    with Compute(None, tiles=2) as compute:
        list(compute.run([], None))
        parent = psutil.Process(os.getpid())
        family = [parent, *parent.children(recursive=True)]
        listening = {
            c.laddr.ip
            for process in family
            for c in process.net_connections(kind="inet")
            if c.status == psutil.CONN_LISTEN
        }
    assert listening == {"127.0.0.1"}


def test_a_scheduler_that_is_not_there_is_named() -> None:
    with (
        Compute("tcp://127.0.0.1:1", tiles=1) as compute,
        pytest.raises(ConfigurationError, match=r"tcp://127\.0\.0\.1:1"),
    ):
        list(compute.run([], None))


@pytest.mark.slow
def test_a_named_scheduler_does_the_work(site: Site) -> None:
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
    ) as cluster:
        outcome = site.run(FIRST, scheduler=cluster.scheduler_address)[0]
    assert outcome.report is not None
    assert {t["tile"] for t in outcome.report["tiles"]} == {"49QBF-0810", "49QBF-0910"}
    assert outcome.failed == ()
