"""``agroforest fire``: danger before, hotspots during, scars after."""

import typer

from agroforest.cli import (
    fire_danger,
    fire_hotspots,
    fire_scar,
    fire_verify,
    fire_weather,
)

app = typer.Typer(
    help="Fire weather, hotspots and scars. · 森林火险、热点与过火",
    no_args_is_help=True,
)
app.command(name="weather")(fire_weather.weather)
app.command(name="danger")(fire_danger.danger)
app.command(name="hotspots")(fire_hotspots.hotspots)
app.command(name="climatology")(fire_hotspots.climatology)
app.command(name="scar")(fire_scar.scar)
app.command(name="verify")(fire_verify.verify)
