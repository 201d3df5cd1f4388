"""Learning from hotspots, the whole path, on simulated hotspots and weather."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.fire.simulated import (
    DAYS,
    FIRST,
    HEAD,
    SIDE,
    write_region,
    write_world,
)

from agroforest.core.aoi import read_aoi
from agroforest.core.errors import ConfigurationError, DataError, NoInputError
from agroforest.fire.cells import build_cells
from agroforest.fire.danger import DangerRequest, prepare
from agroforest.fire.forecast import judge_trained
from agroforest.fire.hotspot_past import build_past, read_fires
from agroforest.fire.kept_past import keep_past, recall_past
from agroforest.fire.occurrence import (
    NAME,
    OccurrenceRequest,
    check_folder,
    train_occurrence,
)
from agroforest.fire.sample import Shares
from agroforest.fire.weather_on_cells import WeatherFile
from agroforest.risk import models_dir, read_card
from agroforest.risk.datasets.fire_days import FEATURES, read


@pytest.mark.slow
def test_weather_is_learned_and_chances_are_those_of_the_ground(
    tmp_path: Path,
) -> None:
    area, weather, fires = write_world(tmp_path / "world")
    out = tmp_path / "model"
    report = train_occurrence(
        OccurrenceRequest(
            hotspots=(fires,),
            weather=WeatherFile(path=weather),
            aoi=area,
            out=out,
            ground=15_000.0,
            simulated=True,
        )
    )
    time, space = report.verdicts
    assert (time.split, space.split) == ("time", "space")
    cells = build_cells(read_aoi(area).area, side=SIDE)
    assert time.cell_days == space.cell_days == cells.count * DAYS  # all of them
    assert time.expected == pytest.approx(time.fires, rel=0.15)
    assert time.skill["model"].auroc.value > time.skill["climatology"].auroc.high
    assert time.skill["model"].auroc.low > 0.55
    assert {"ndmi", "slope", "lfmc"} <= set(report.missing)
    card = read_card(out)
    assert card.name == NAME
    assert card.training.simulated
    assert any(m.name == "auroc by time, climatology" for m in card.metrics)
    drawn = read(out / "data")
    assert drawn.truth is not None
    assert drawn.truth.mean() > 10 * time.prevalence  # a sample, not the ground

    _ask(area, weather, out)


def _ask(area: Path, weather: Path, out: Path) -> None:
    """The model answers for days, on cells of its own size only."""
    last = FIRST + timedelta(days=DAYS - 1)
    request = DangerRequest(
        weather=WeatherFile(path=weather), aoi=area, day=last, side=SIDE
    )
    scene = prepare(request)
    danger = next(judge_trained(scene, out))
    chance = danger.probability[scene.cells.inside]
    assert ((chance > 0) & (chance < 0.2)).all()
    assert danger.model == f"{NAME} 1.0.0"
    other = prepare(
        DangerRequest(weather=WeatherFile(path=weather), aoi=area, side=2500.0)
    )
    with pytest.raises(ConfigurationError, match="--cell 5000"):
        next(judge_trained(other, out))


def test_shipped_and_foreign_models_are_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="among the shipped"):
        check_folder(models_dir() / "fire-occurrence")
    with pytest.raises(ConfigurationError, match="among the shipped"):
        check_folder(models_dir())
    other = tmp_path / "card.toml"
    other.write_text('name = "burned-area"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="another model"):
        check_folder(tmp_path)
    check_folder(tmp_path / "new")


def _rows(path: Path, places: list[tuple[float, float, date]]) -> Path:
    lines = [
        f"{north},{east},320.0,1.0,1.0,{day},0430,T,70,6.1NRT,290.0,12.0,D"
        for east, north, day in places
    ]
    path.write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    return path


def test_the_past_leaves_the_judged_block_out(tmp_path: Path) -> None:
    area = write_region(tmp_path / "a.geojson")
    cells = build_cells(read_aoi(area).area, side=SIDE)
    first, second = date(2022, 3, 5), date(2022, 4, 5)
    path = _rows(tmp_path / "f.csv", [(108.30, 22.70, first), (108.60, 23.00, second)])
    fires = read_fires((path,), cells)
    past = build_past(fires, cells, [first, second])
    whole = past.find_near()
    march = fires.day.astype("datetime64[M]") == np.datetime64("2022-03")
    without = past.find_near(march)
    own = cells.locate(np.array([108.30]), np.array([22.70]))[0]
    assert whole.ravel()[own] == 0.0
    assert without.ravel()[own] == pytest.approx(45, abs=6)  # to the other one
    hidden = past.history.days.astype("datetime64[M]") == np.datetime64("2022-03")
    usual = past.find_usual(first, hidden)
    assert usual.ravel()[own] < past.find_usual(first).ravel()[own]


def test_what_a_model_remembers_survives_its_file(tmp_path: Path) -> None:
    area = write_region(tmp_path / "a.geojson")
    cells = build_cells(read_aoi(area).area, side=SIDE)
    day = date(2022, 3, 5)
    fires = read_fires((_rows(tmp_path / "f.csv", [(108.3, 22.7, day)]),), cells)
    past = build_past(fires, cells, [day])
    shares = Shares(log_share=np.zeros((12, 4), np.float32))
    kept = recall_past(keep_past(past, shares, SIDE))
    assert kept.side == SIDE
    assert kept.find_near(cells) == pytest.approx(past.find_near())
    middle = date(2022, 3, 7)  # of its ten days
    assert kept.find_usual(middle, cells) == pytest.approx(
        past.find_usual(middle), abs=0.01
    )


def test_too_few_fires_and_other_times_are_refused(tmp_path: Path) -> None:
    area, weather, _ = write_world(tmp_path / "world")
    few = _rows(tmp_path / "few.csv", [(108.3, 22.7, FIRST), (108.4, 22.7, FIRST)])
    request = OccurrenceRequest(
        hotspots=(few,),
        weather=WeatherFile(path=weather),
        aoi=area,
        out=tmp_path / "m",
    )
    with pytest.raises(DataError, match="2 cell-days"):
        train_occurrence(request)
    later = _rows(tmp_path / "later.csv", [(108.3, 22.7, date(2030, 1, 1))])
    with pytest.raises(NoInputError, match="no day in common"):
        train_occurrence(
            OccurrenceRequest(
                hotspots=(later,),
                weather=WeatherFile(path=weather),
                aoi=area,
                out=tmp_path / "m",
            )
        )
    assert not (tmp_path / "m" / "card.toml").exists()
    assert not list((tmp_path / "m").glob(".table-*"))  # nothing left behind


def test_features_are_named_once() -> None:
    assert len(set(FEATURES)) == len(FEATURES)
