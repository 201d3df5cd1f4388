"""Our step against another implementation: every option of its form of files."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyfao56
import pytest
from tests.farm.seasons import DAYS, FIRST, Season, write_par, write_season, year_day

from agroforest.core.risk import epoch_day
from agroforest.farm.fao56_files import (
    read_canopy,
    read_parameters,
    read_waterings,
    read_weather,
)
from agroforest.water import Method, RootZone
from agroforest.water.season import SeasonDay, adjust_crop, build_days, run_season

#: Their columns and where ours are.
COLUMNS: dict[str, Callable[[SeasonDay], Any]] = {
    "ETref": lambda d: d.today.eto,
    "Kcm": lambda d: d.out.kc_single,
    "ETcm": lambda d: d.out.etc_single,
    "Kcb": lambda d: d.out.kcb,
    "h": lambda d: d.zone.height,
    "Kcmax": lambda d: d.out.kc_max,
    "fc": lambda d: d.out.cover,
    "fw": lambda d: d.zone.wetted,
    "few": lambda d: d.out.exposed,
    "De": lambda d: d.zone.skin,
    "Kr": lambda d: d.out.kr,
    "Ke": lambda d: d.out.ke,
    "E": lambda d: d.out.evaporation,
    "DPe": lambda d: d.out.skin_percolation,
    "Kc": lambda d: d.out.kc,
    "ETc": lambda d: d.out.etc,
    "TAW": lambda d: d.out.available,
    "Zr": lambda d: d.zone.root,
    "p": lambda d: d.out.fraction,
    "RAW": lambda d: d.out.readily,
    "Ks": lambda d: d.out.ks,
    "ETa": lambda d: d.out.eta,
    "T": lambda d: d.out.transpiration,
    "DP": lambda d: d.out.percolation,
    "Dr": lambda d: d.zone.depletion,
    "Ksend": lambda d: d.out.ks_end,
    "IrrLoss": lambda d: d.out.irrigation_loss,
    "Runoff": lambda d: d.out.runoff,
}
LAYER_COLUMNS: dict[str, Callable[[SeasonDay], Any]] = {
    "Drmax": lambda d: d.zone.profile,
    "Db": lambda d: d.zone.below,
    "Dinc": lambda d: d.out.found,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A run of either program."""

    layers: bool = False
    updates: bool = False
    adjust: bool = False
    method: Method = field(default_factory=Method)
    weather: dict[str, object] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)


def run_theirs(season: Season, case: Case) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, about how they grow their tables
        model = pyfao56.Model(
            year_day(FIRST),
            year_day(FIRST + timedelta(days=DAYS - 1)),
            pyfao56.Parameters(),
            pyfao56.Weather(str(season.wth)),
            irr=pyfao56.Irrigation(str(season.irr)),
            sol=pyfao56.SoilProfile(str(season.sol)) if case.layers else None,
            upd=pyfao56.Update(str(season.upd)) if case.updates else None,
            roff=case.method.runoff,
            cons_p=case.method.constant_fraction,
            aq_Ks=case.method.convex_stress,
            K_adj=case.adjust,
        )
        model.par.loadfile(str(season.par))
        model.run()
    return model.odata


def run_ours(season: Season, case: Case) -> list[SeasonDay]:
    place = read_parameters(season.par, layers=season.sol if case.layers else None)
    weather = read_weather(season.wth)
    crop = place.crop
    if case.adjust:
        crop = adjust_crop(crop, weather, first=epoch_day(FIRST))
    zone = RootZone.start(
        (),
        day=epoch_day(FIRST) - 1,
        crop=crop,
        soil=place.soil,
        moisture=place.moisture,
        method=case.method.patch(tall=weather.tall),
    )
    days = build_days(
        weather,
        waterings=read_waterings(season.irr),
        seen=read_canopy(season.upd) if case.updates else (),
    )
    return run_season(zone, days, crop=crop, soil=place.soil)


def check(case: Case, folder: Path) -> None:
    season = write_season(folder, **case.weather)
    write_par(season.par, case.parameters)
    theirs, ours = run_theirs(season, case), run_ours(season, case)
    assert len(theirs) == len(ours) == DAYS
    columns = COLUMNS | (LAYER_COLUMNS if case.layers else {})
    for name, find in columns.items():
        mine = np.array([float(find(day)) for day in ours])
        expected = theirs[name].to_numpy(dtype=float)
        np.testing.assert_allclose(mine, expected, rtol=0, atol=1e-8, err_msg=name)


METHODS = {
    "plain": Method(),
    "runoff-constant-p": Method(runoff=True, constant_fraction=True),
    "convex": Method(convex_stress=True),
    "all": Method(runoff=True, constant_fraction=True, convex_stress=True),
}


@pytest.mark.golden
@pytest.mark.parametrize("layers", [False, True], ids=["uniform", "layers"])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_gives_their_numbers(
    name: str, *, layers: bool, tmp_path: Path
) -> None:
    check(Case(method=METHODS[name], layers=layers), tmp_path)


CASES = {
    "updates": Case(updates=True),
    "updates-layers": Case(updates=True, layers=True),
    "tall": Case(weather={"reference": "T"}),
    "no-reference-et": Case(weather={"blank": ("ETref",)}),
    "no-reference-et-tall": Case(weather={"blank": ("ETref",), "reference": "T"}),
    "no-wind": Case(weather={"blank": ("ETref", "Wndsp")}),
    "no-humidity": Case(weather={"blank": ("ETref", "RHmin", "RHmax", "Tdew")}),
    "no-least-humidity": Case(weather={"blank": ("RHmin",)}),
    "maximum-humidity-alone": Case(weather={"blank": ("ETref", "RHmin", "Tdew")}),
    "minimum-humidity-alone": Case(weather={"blank": ("ETref", "RHmax", "Tdew")}),
    "vapour": Case(weather={"blank": ("ETref",), "Vapr": 1.4}),
    "adjusted": Case(adjust=True),
    "adjusted-dry-wind": Case(adjust=True, weather={"RHmin": 5.0, "Wndsp": 9.0}),
    "no-initial-stage": Case(parameters={"Lini": "0"}),
    "no-development": Case(parameters={"Ldev": "0"}),
    "no-late-stage": Case(parameters={"Lend": "0"}),
    "long-season": Case(parameters={"Lmid": "200"}),
    "citrus": Case(
        parameters={"Kcbini": "0.6500", "Kcbmid": "0.7000", "Kcbend": "0.6600"}
    ),
    "dry-start": Case(parameters={"theta0": "0.0500"}),
    "wet-start": Case(parameters={"theta0": "0.3500"}),
    "odd-depths": Case(
        layers=True,
        parameters={"Ze": "0.1143", "Zrini": "0.2345", "Zrmax": "0.5710"},
    ),
    "storm": Case(method=Method(runoff=True), weather={"Rain": 60.0}),
    "seed": Case(layers=True, updates=True, adjust=True, weather={"seed": 7}),
}


@pytest.mark.golden
@pytest.mark.parametrize("name", CASES)
def test_every_form_of_input_gives_their_numbers(name: str, tmp_path: Path) -> None:
    check(CASES[name], tmp_path)
