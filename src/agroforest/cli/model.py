"""``agroforest model``: what judges, where it comes from and how good it is."""

import json
import math
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli import occurrence, survey
from agroforest.cli.model_figures import as_plain, list_findings, list_metrics
from agroforest.cli.options import find_folder
from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from agroforest.risk.explanation import Explanation

app = typer.Typer(help="Models and their cards. · 模型与模型卡", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(help="Such as canopy-damage.")]
_Models = Annotated[
    Path | None,
    typer.Option(help="Folder of models, or of this one, if not the shipped ones."),
]
_STRESS = "canopy-stress"


@app.command()
def card(
    name: _Name,
    *,
    models: _Models = None,
    stac: Annotated[
        bool, typer.Option("--stac", help="As a STAC item (MLM extension), JSON.")
    ] = False,
) -> None:
    """Show a model's card: what it is for, what it was made of, its limits.

    显示模型卡：用途、训练数据与不得使用的场合。
    """
    from agroforest.risk import read_card

    folder = find_folder(models, name)
    found = read_card(folder)  # refuses what is no card
    if stac:
        from agroforest.risk.mlm import describe

        typer.echo(json.dumps(describe(found), indent=2, ensure_ascii=False))
        return
    typer.echo((folder / "card.toml").read_text(encoding="utf-8"), nl=False)


@app.command()
def train(
    name: _Name,
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            help="Labelled data in the layout of the task (docs/models.md); for "
            "canopy-stress the table of canopy spectra its emulator must come from.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    seed: Annotated[int, typer.Option(min=0, max=99)] = 0,
    labels: survey.Labels = None,
    scenes: survey.Scenes = None,
    models: _Models = None,
    season: survey.SeasonOption = survey.SEASON,
    tolerance: survey.Tolerance = survey.TOLERANCE,
    radius: survey.Radius = survey.RADIUS,
    block: survey.Block = survey.BLOCK,
    prevalence: survey.Prevalence = None,
    layer: survey.Layer = None,
    encoding: survey.Encoding = None,
    hotspots: occurrence.Hotspots = None,
    weather: occurrence.Weather = None,
    aoi: occurrence.Area = None,
    covered: occurrence.Covered = None,
    static: occurrence.Static = None,
    terrain: occurrence.Terrain = None,
    mapping: occurrence.Mapping = None,
    cell: occurrence.Cell = occurrence.CELL,
    time_blocks: occurrence.TimeBlocks = occurrence.TIME_BLOCKS,
    simulated: occurrence.Simulated = False,
    as_json: occurrence.AsJson = False,
) -> None:
    """Train a model from scratch, or let it learn on from a field survey.

    从头训练模型；或用本单位的实地调查标签（--labels）在已发布模型上继续学习。

    canopy-stress learns from simulated forests, the others from labelled data,
    split by place. The same seed gives the same weights on the same processor.

    With --labels and --scenes the shipped canopy-damage learns on from points or
    polygons that were surveyed, and is compared with itself on blocks of ground it
    has not learned from: docs/survey.md.

    With --hotspots, --weather and --aoi fire-occurrence is learned for cells and days
    of the user's own area, and measured on all cell-days held out by time and by
    space: docs/fire-danger.md. The shipped model stays as it is; --scenes then names
    a folder of NDMI maps.
    """
    from agroforest.core.errors import ConfigurationError

    if hotspots or weather is not None:
        if data is not None or labels is not None:
            raise ConfigurationError(
                "--hotspots", "and --data or --labels exclude", "leave one out"
            )
        occurrence.learn(
            occurrence.Asked(
                name=name,
                hotspots=tuple(hotspots or ()),
                weather=weather,
                aoi=aoi,
                covered=covered,
                static=static,
                scenes=scenes,
                terrain=terrain,
                mapping=mapping,
                cell=cell,
                blocks=time_blocks,
                out=out,
                seed=seed,
                simulated=simulated,
                as_json=as_json,
            )
        )
        return
    if labels is not None or scenes is not None:
        if data is not None:
            raise ConfigurationError("--data", "and --labels exclude", "leave one out")
        survey.learn_on(
            survey.Asked(
                name=name,
                labels=labels,
                scenes=scenes,
                out=out,
                models=models,
                season=season,
                tolerance=tolerance,
                radius=radius,
                block=block,
                prevalence=prevalence,
                layer=layer,
                encoding=encoding,
                seed=seed,
            )
        )
        return
    with Bar() as bar:

        def told(share: float, note: str) -> None:
            bar.reached(round(100 * share), 100, note)

        if name == _STRESS:
            from agroforest.risk.canopy_stress import train_canopy_stress

            model = train_canopy_stress(out, lut=data, seed=seed, progress=told)
        else:
            from agroforest.risk import ensemble
            from agroforest.risk.tasks import find_task

            task = find_task(name)
            if data is None:
                raise ConfigurationError(
                    name, "needs labelled data", "name its folder with --data"
                )
            model = ensemble.train(task, data, out, seed=seed, progress=told)
    for line in list_metrics(model.card.metrics):
        typer.echo(line)


@app.command()
def evaluate(
    name: _Name,
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            help="Labelled data in the layout of the task; canopy-stress needs none.",
        ),
    ] = None,
    models: _Models = None,
    baseline: Annotated[
        bool,
        typer.Option(
            "--baseline",
            help="Set plain boosted trees, grown on the same folds, and every learner "
            "alone beside the model. Minutes; needs the data that it was trained on.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure a model on labelled data, place by place.

    用带标签的数据评价模型：只由未见过该地点的成员作答。

    Places the model was trained on are judged only by members that have not seen
    them, so its own training data give the card's metrics again. --baseline says
    what the model is worth beside plain boosted trees (需要训练数据本身).
    """
    from agroforest.core.errors import ConfigurationError
    from agroforest.risk import load_model
    from agroforest.risk.evaluate import Evaluation, evaluate

    folder = find_folder(models, name)
    if name == _STRESS:
        from agroforest.risk.watched import evaluate_canopy_stress

        if baseline:
            raise ConfigurationError(
                _STRESS, "has its rule beside it already", "leave --baseline out"
            )
        found = Evaluation(metrics=evaluate_canopy_stress(load_model(folder)))
    else:
        from agroforest.risk import ensemble
        from agroforest.risk.tasks import find_task
        from agroforest.risk.tasks.baselines import find_baseline

        task = find_task(name)
        if data is None:
            raise ConfigurationError(
                name, "needs labelled data", "name its folder with --data"
            )
        model = ensemble.load(task, folder)
        with Bar() as bar:
            found = evaluate(
                task,
                model,
                data,
                baseline=find_baseline(name) if baseline else None,
                progress=lambda share, note: bar.reached(round(100 * share), 100, note),
            )
    if as_json:
        typer.echo(as_plain(name, found))
        return
    for line in list_findings(found):
        typer.echo(line)


@app.command()
def predict(
    name: _Name,
    *,
    data: Annotated[
        Path, typer.Option(exists=True, help="Data in the layout of the task.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    models: _Models = None,
) -> None:
    """Ask a model about a folder of data; labels need not be there.

    对一个数据文件夹作出预测（不需要标签）。
    """
    from agroforest.risk import ensemble
    from agroforest.risk.tasks import find_task

    task = find_task(name)
    model = ensemble.load(task, find_folder(models, name))
    with Bar() as bar:
        written = ensemble.predict(
            task,
            model,
            data,
            out,
            progress=lambda share, note: bar.reached(round(100 * share), 100, note),
        )
    typer.echo(f"{out}  {len(written)} files, {model.card.title}")


@app.command()
def explain(
    name: _Name,
    *,
    data: Annotated[
        Path,
        typer.Option(
            exists=True,
            help="Data in the layout of the task; for canopy-stress a cube.",
        ),
    ],
    item: Annotated[
        str, typer.Option(help="Which scene, series or point; not for a cube.")
    ] = "",
    pixel: Annotated[
        str | None,
        typer.Option(metavar="ROW,COLUMN", help="Of a scene or cube, from 0 on."),
    ] = None,
    train_until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Of a cube, as in monitor."),
    ] = None,
    forest: Annotated[
        Path | None, typer.Option(exists=True, help="Of a cube, as in monitor.")
    ] = None,
    out: Annotated[Path, typer.Option(help="SVG file to write.")],
    models: _Models = None,
) -> None:
    """Draw which bands and dates drove the answer for one place.

    画出某一处的结论由哪些波段和日期决定。

    Each is taken away in turn; red raised the answer, blue lowered it.
    """
    from agroforest.core.files import write_text
    from agroforest.maps.heatmap import draw_heatmap

    folder = find_folder(models, name)
    if name == _STRESS:
        found, unit, title = _explain_cube(folder, data, forest, pixel, train_until)
    else:
        found, unit, title = _explain_sample(name, folder, data, item, pixel)
    said = f"{found.output} {found.value:.3g}"
    if not math.isnan(found.spread):
        said += f" ± {found.spread:.2g}"
    said += unit and f" {unit}"
    place = " ".join(part for part in (item, pixel) if part)
    picture = draw_heatmap(
        found.change,
        found.features,
        found.steps,
        title=f"{place}: {said}",
        subtitle=f"{title} · 红 red：升高 raised · 蓝 blue：降低 lowered",
    )
    write_text(out, picture)
    typer.echo(f"{out}  {said}")


def _explain_cube(
    folder: Path,
    data: Path,
    forest: Path | None,
    pixel: str | None,
    train_until: datetime | None,
) -> "tuple[Explanation, str, str]":
    from agroforest.core.errors import ConfigurationError
    from agroforest.core.risk import epoch_day
    from agroforest.monitor import explain_cube, open_cube, read_forest
    from agroforest.risk import load_model

    if train_until is None:
        raise ConfigurationError(
            data, "needs the end of its history", "give --train-until, as in monitor"
        )
    model = load_model(folder)
    cube = open_cube(data)
    found = explain_cube(
        cube,
        *_pixel(pixel),
        train_until=epoch_day(train_until.date()),
        model=model,
        forest=None if forest is None else read_forest(forest, cube),
    )
    return found, "", model.card.title


def _explain_sample(
    name: str, folder: Path, data: Path, item: str, pixel: str | None
) -> "tuple[Explanation, str, str]":
    from agroforest.risk import ensemble
    from agroforest.risk.explain import explain_item, explain_pixel
    from agroforest.risk.scenes import Scenes
    from agroforest.risk.tasks import find_task

    task = find_task(name)
    model = ensemble.load(task, folder)
    samples = task.read(data)
    found = (
        explain_pixel(task, model, samples, item, *_pixel(pixel))
        if isinstance(samples, Scenes)
        else explain_item(task, model, samples, item)
    )
    return found, task.answer.unit, model.card.title


def _pixel(pixel: str | None) -> tuple[int, int]:
    from agroforest.core.errors import ConfigurationError

    try:
        row, column = map(int, (pixel or "").split(","))
    except ValueError:
        raise ConfigurationError(
            f"pixel {pixel}", "is no ROW,COLUMN", "name one, such as 20,31"
        ) from None
    return row, column
