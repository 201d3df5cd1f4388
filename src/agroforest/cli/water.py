"""``agroforest water``: the soil's water balance, and advice from it."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import Json, shown
from agroforest.cli.water_advise import advise

if TYPE_CHECKING:
    from agroforest.products.water_balance import BalanceReport

app = typer.Typer(help="Water in the soil. · 土壤水分", no_args_is_help=True)
app.command(name="advise")(advise)

_DAY = ["%Y-%m-%d", "%Y-%j"]


@app.callback()
def water() -> None:
    """土壤水分 · Water in the soil."""


@app.command(name="balance")
def balance(
    *,
    par: Annotated[
        Path, typer.Option(help="Crop and soil, in the form of pyfao56 (.par).")
    ],
    wth: Annotated[Path, typer.Option(help="Daily weather (.wth).")],
    out: Annotated[Path, typer.Option(help="CSV to write.", dir_okay=False)],
    irr: Annotated[Path | None, typer.Option(help="Irrigations (.irr).")] = None,
    sol: Annotated[Path | None, typer.Option(help="Soil in layers (.sol).")] = None,
    upd: Annotated[
        Path | None, typer.Option(help="Canopy as it was seen (.upd).")
    ] = None,
    sws: Annotated[
        Path | None,
        typer.Option(help="Measured soil moisture (.sws), to compare with."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Another program's run (.out), to compare with."),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            formats=_DAY,
            help="First day, 2013-04-23 or 2013-113. Unless given: that of --against, "
            "or of the .sum or .out beside the irrigation; else all of the weather.",
        ),
    ] = None,
    end: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="Last day.")
    ] = None,
    single: Annotated[
        bool, typer.Option("--single", help="Single crop coefficient, not dual.")
    ] = False,
    runoff: Annotated[
        bool, typer.Option("--runoff", help="Let rain run off by the curve number.")
    ] = False,
    constant_p: Annotated[
        bool, typer.Option("--constant-p", help="Do not fit p to the day's ETc.")
    ] = False,
    convex_stress: Annotated[
        bool, typer.Option("--aquacrop-ks", help="Stress curve of AquaCrop.")
    ] = False,
    adjust: Annotated[
        bool,
        typer.Option("--adjust-kc", help="Fit coefficients to wind and humidity."),
    ] = False,
    as_json: Json = False,
) -> None:
    """土壤水量平衡 · Soil water balance of a season, day by day (FAO-56).

    One row a day: date, etc_mm (crop evapotranspiration without stress), depletion_mm
    (water short of field capacity in the roots' zone, in the evening), ks (stress
    coefficient, 1 is none), and where the rest of the water went.
    """
    from agroforest.products.water_balance import BalanceRequest, write_balance
    from agroforest.water import Coefficient, Method

    report = write_balance(
        BalanceRequest(
            par=par,
            wth=wth,
            out=out,
            irr=irr,
            sol=sol,
            upd=upd,
            sws=sws,
            against=against,
            start=_day(start),
            end=_day(end),
            method=Method(
                coefficient=Coefficient.SINGLE if single else Coefficient.DUAL,
                runoff=runoff,
                constant_fraction=constant_p,
                convex_stress=convex_stress,
            ),
            adjust=adjust,
        )
    )
    for note in report.notes:
        typer.echo(f"note: {note}", err=True)
    if as_json:
        typer.echo(json.dumps(report.plain(), ensure_ascii=False))
    else:
        typer.echo(_summarise(report))


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _summarise(report: "BalanceReport") -> str:
    sums = report.sums
    line = (
        f"{report.first} to {report.last} ({report.season_from}): {report.days} days, "
        f"ETc {sums['etc']:.0f} mm of which {sums['eta']:.0f} were met, rain "
        f"{sums['rain']:.0f}, irrigation {sums['irrigation']:.0f}, lost below the "
        f"roots {sums['percolation']:.0f}; depletion at the end "
        f"{report.depletion_end:.1f} mm, {report.stressed_days} days of stress "
        f"-> {shown(Path(report.out))}"
    )
    lines = [line]
    ways = ", ".join(f"{way} {days}" for way, days in report.reference_et.items())
    lines.append(f"reference evapotranspiration, days: {ways}")
    if report.missing:
        lines.append(
            f"{len(report.missing)} days without weather, the first "
            f"{report.missing[0]}: nothing was made up for them"
        )
    if report.against:
        found = report.against
        lines.append(
            f"largest difference in {found['days']:.0f} days: ETc "
            f"{found['etc_mm']:.4f} mm, depletion {found['depletion_mm']:.4f} mm, Ks "
            f"{found['ks']:.4f}"
        )
    if report.measured:
        found = report.measured
        lines.append(
            f"against {found['days']:.0f} measured profiles: depletion "
            f"{found['bias_mm']:+.1f} mm on average, {found['rmse_mm']:.1f} mm root "
            "mean square"
        )
    return "\n".join(lines)
