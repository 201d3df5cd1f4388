"""The meter: what it counts, what it says of it, and codecarbon beside it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from agroforest.core.config import EnergySection, Pipeline, Watched, WaterSection
from agroforest.core.cost import Cost, EnergySource
from agroforest.nightly.power.meter import Meter, memory_gigabytes
from agroforest.nightly.power.processes import tree_seconds
from agroforest.nightly.power.rapl import EnergyMeter
from agroforest.nightly.power.watts import WATTS_PER_GB, read_listed_watts

_KWH = 3.6e6
#: The kernel counts in hundredths of a second, of each kind of time.
TICKS = 0.05


def pipeline(**energy: object) -> Pipeline:
    section = EnergySection.model_validate({"watts_per_core": 10.0, **energy})
    return Pipeline(
        name="north",
        aoi=Path("aoi.geojson"),
        hazards=(Watched.WATER,),
        water=WaterSection(weather=Path("weather.csv")),
        energy=section,
    )


def spin(cpu_seconds: float) -> None:
    end = time.process_time() + cpu_seconds
    while time.process_time() < end:
        sum(range(1000))


class Counters:
    """A powercap tree of one package."""

    def __init__(self, root: Path, *, limit: int = 1 << 38) -> None:
        self.package = root / "intel-rapl:0"
        self.package.mkdir()
        (root / "intel-rapl:0:0").mkdir()
        (root / "intel-rapl:0:0" / "energy_uj").write_text("99")
        (self.package / "max_energy_range_uj").write_text(str(limit))
        self.set(0)

    def set(self, microjoules: int) -> None:
        (self.package / "energy_uj").write_text(str(microjoules))


def memory_kwh(cost: Cost) -> float:
    return cost.seconds * memory_gigabytes() * WATTS_PER_GB / _KWH


def test_energy_is_estimated_from_processor_seconds_where_nothing_is_measured(
    tmp_path: Path,
) -> None:
    with Meter(pipeline(), rapl=EnergyMeter(tmp_path)) as meter:
        spin(0.2)
    cost = meter.read()
    assert cost.source is EnergySource.ESTIMATED
    assert cost.seconds >= 0.2
    assert 0.2 - TICKS <= cost.cpu_seconds < 5
    expected = cost.cpu_seconds * 10.0 / _KWH + memory_kwh(cost)
    assert cost.energy_kwh == pytest.approx(expected)
    assert cost.factor_g_per_kwh == 447.6
    assert "2025 No. 47" in cost.factor_source
    assert meter.read() == cost  # of work that has ended


def test_energy_is_measured_where_the_counters_can_be_read(tmp_path: Path) -> None:
    counters = Counters(tmp_path)
    counters.set(1_000_000)
    with Meter(pipeline(), rapl=EnergyMeter(tmp_path)) as meter:
        counters.set(7_000_000_000)
        first = meter.read()
        counters.set(9_000_000_000)
    last = meter.read()
    assert first.source is last.source is EnergySource.MEASURED
    assert first.energy_kwh == pytest.approx(6999 / _KWH + memory_kwh(first))
    assert last.energy_kwh == pytest.approx(8999 / _KWH + memory_kwh(last))


def test_a_counter_that_starts_again_is_followed(tmp_path: Path) -> None:
    counters = Counters(tmp_path, limit=10_000_000)
    meter = EnergyMeter(tmp_path)
    for value, joules in ((9_000_000, 9), (2_000_000, 12), (1_000_000, 21)):
        counters.set(value)
        assert meter.joules() == pytest.approx(joules)


def test_counters_that_fail_in_between_are_no_measurement(tmp_path: Path) -> None:
    counters = Counters(tmp_path)
    with Meter(pipeline(), rapl=EnergyMeter(tmp_path)) as meter:
        (counters.package / "energy_uj").unlink()
    assert meter.read().source is EnergySource.ESTIMATED


def test_children_count_while_they_live_and_after() -> None:
    before = tree_seconds()
    script = (
        "import time\n"
        "while time.process_time() < 0.3: pass\n"
        "print('done', flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen(  # noqa: S603  our own words
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "done\n"
        living = tree_seconds() - before
        child.communicate("\n")
    assert living >= 0.3 - TICKS
    assert tree_seconds() - before >= 0.3 - TICKS


def test_what_others_did_counts_once(tmp_path: Path) -> None:
    here = Meter(pipeline(), rapl=EnergyMeter(tmp_path))
    there = Meter(pipeline(), remote=True, rapl=EnergyMeter(tmp_path))
    with here, there:
        for meter in (here, there):
            meter.add(cpu_seconds=1000.0, bytes_read=7, saved={"cloudy_scenes": 1})
            meter.add(cpu_seconds=500.0, bytes_read=5, saved={"cloudy_scenes": 2})
    local, remote = here.read(), there.read()
    assert local.bytes_read == remote.bytes_read == 12
    assert local.saved == remote.saved == {"cloudy_scenes": 3}
    assert local.cpu_seconds < 100  # children are looked at, not told of
    assert remote.cpu_seconds >= 1500
    assert remote.energy_kwh >= 1500 * 10 / _KWH


def test_remote_work_makes_a_measurement_an_estimate(tmp_path: Path) -> None:
    Counters(tmp_path)
    with Meter(pipeline(), remote=True, rapl=EnergyMeter(tmp_path)) as meter:
        assert meter.read().source is EnergySource.MEASURED
        meter.add(cpu_seconds=1.0)
    assert meter.read().source is EnergySource.ESTIMATED


CPUINFO = """\
processor\t: 0
model name\t: AMD EPYC 4124P 4-Core Processor
physical id\t: 0
flags\t\t: fpu {flag}
processor\t: 1
model name\t: AMD EPYC 4124P 4-Core Processor
physical id\t: {socket}
flags\t\t: fpu {flag}
"""


@pytest.mark.parametrize(
    ("flag", "socket", "watts"),
    [
        ("sse", "0", 65 / 8),
        ("sse", "1", 130 / 8),
        # Whose other cores are not ours to see.
        ("hypervisor", "0", None),
    ],
)
def test_the_makers_power_is_divided_by_the_processors(
    tmp_path: Path, flag: str, socket: str, watts: float | None
) -> None:
    table, info = tmp_path / "list.csv", tmp_path / "cpuinfo"
    table.write_text("Name,TDP\nAMD EPYC 4124,55.0\nAMD EPYC 4124P,65.0\n")
    info.write_text(CPUINFO.format(flag=flag, socket=socket))
    assert read_listed_watts(table, info, cores=8) == watts


def test_a_processor_that_is_not_listed_is_assumed(tmp_path: Path) -> None:
    table, info = tmp_path / "list.csv", tmp_path / "cpuinfo"
    table.write_text("Name,TDP\nAMD EPYC 9999,55.0\n")
    info.write_text(CPUINFO.format(flag="sse", socket="0"))
    assert read_listed_watts(table, info, cores=8) is None
    assert read_listed_watts(table, tmp_path / "none", cores=8) is None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of what codecarbon imports
def test_codecarbon_finds_the_same_of_the_same_work(tmp_path: Path) -> None:
    """Five seconds of work, counted by both.

    Its tracker takes the processor's design power, or 4 W for each logical processor
    of one it does not know, for the share of the processors that the process used. It
    looks once a second, and on a busy machine too early or too late; it counts itself,
    too. On a quiet one, with the same power of a core, the two differ by less than a
    hundredth (docs/energy.md); here only by less than two times. Memory differs by its
    assumption (5 W a module, how ever large) and is compared to nothing.
    """
    from codecarbon import OfflineEmissionsTracker  # noqa: PLC0415  takes seconds
    from codecarbon.core.util import count_cpus  # noqa: PLC0415
    from codecarbon.external.hardware import CPU  # noqa: PLC0415

    tracker = OfflineEmissionsTracker(
        country_iso_code="CHN",
        region="guangxi",
        tracking_mode="process",
        measure_power_secs=1,
        save_to_file=False,
        log_level="error",
        force_mode_cpu_load=True,
    )
    watts = 10.0
    meter = Meter(pipeline(watts_per_core=watts), rapl=EnergyMeter(tmp_path))
    before = tree_seconds()
    tracker.start()
    with meter:
        spin(5.0)
    emissions = tracker.stop()
    all_of_it = (tree_seconds() - before) * watts / _KWH
    processors = [h for h in tracker._hardware if isinstance(h, CPU)]
    theirs = tracker.final_emissions_data
    found = theirs.cpu_energy * watts / (processors[0]._tdp / count_cpus())
    ours = meter.read()
    assert (ours.energy_kwh - memory_kwh(ours)) / 2 < found < 2 * all_of_it
    assert emissions is not None
    factor = 1000 * emissions / theirs.energy_consumed
    assert factor == pytest.approx(ours.factor_g_per_kwh)
