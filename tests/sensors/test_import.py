"""From a file to the database, as an import does it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agroforest.core.reading import Quality
from agroforest.sensors import flag, read_file
from agroforest.store import AddedReadings, open_store

ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@pytest.mark.data
def test_importing_a_real_station_twice_adds_nothing(
    data_dir: Path, tmp_path: Path
) -> None:
    [path] = (data_dir / "soil_ismn" / "MAQU").glob("*/*.stm")
    found = read_file(path)
    flagged = flag(found.readings)
    count = len(flagged)
    with open_store(tmp_path / "a.db") as store:
        assert store.add_sensors(found.sensors) == 1
        assert store.add_readings(flagged) == AddedReadings(count, 0, 0)
        assert store.add_sensors(found.sensors) == 0
        assert store.add_readings(flagged) == AddedReadings(0, count, 0)
        [sensor] = found.sensors
        stored = store.readings([sensor.id], *ALWAYS)
        assert stored == sorted(flagged, key=lambda r: r.time)
        bare = [r.patch(quality=Quality.GOOD) for r in flagged]
        assert store.update_quality(bare) == sum(bool(r.quality) for r in flagged)
        assert store.update_quality(flagged) == sum(bool(r.quality) for r in flagged)
        assert store.readings([sensor.id], *ALWAYS) == stored
