"""How good every shipped model is, on the data its card names.

    python benchmarks/evaluate.py [--data DIR] [--write docs/models.md]
                                  [--readme README.md README.zh.md] [--json FILE]

Judges every place only by members that have not seen it, checks that the figures
are those of the card, grows plain boosted trees on the same folds, and prints the
tables. With ``--write`` and ``--readme`` what stands between the markers of the pages
is replaced. ``--data`` holds the data sets under the names below; AGROFOREST_DATA, or
else ../shared/data, unless given. Two models at a time; some minutes, half of them for
the trees beside ``disturbance-cause``.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

from pages import fill  # type: ignore[import-not-found]  # beside it

from agroforest.risk import Metric, ModelCard, load_model, models_dir, read_card
from agroforest.risk import ensemble as ensembles
from agroforest.risk.baseline import Beside
from agroforest.risk.evaluate import Evaluation, evaluate
from agroforest.risk.tasks import find_task
from agroforest.risk.tasks.baselines import find_baseline
from agroforest.risk.watched import evaluate_canopy_stress

_DATA = {
    "canopy-damage": "pest_s2_patches",
    "disturbance-cause": "disturbance_landsat_series",
    "fuel-moisture": "fuel_moisture",
    "burned-area": "burned_area_s2",
    "fire-occurrence": "fire_points_thailand",
}
_STRESS = "canopy-stress"
_AT_ONCE = 2  # each takes up to 2 GB
# Rows of the README: metric; what was measured and what the metric is called there.
_README = {
    "canopy-damage": (
        "f1",
        {
            "en": ("160 scenes, bark beetle, Czechia", "F1 at one threshold"),
            "zh": ("160 景，小蠹，捷克", "F1（同一阈值）"),
        },
    ),
    "disturbance-cause": (
        "macro_f1",
        {
            "en": ("237,790 Landsat series, Canada", "macro-F1 of 11 classes"),
            "zh": ("237,790 条 Landsat 序列，加拿大", "11 类宏平均 F1"),
        },
    ),
    "burned-area": (
        "iou",
        {
            "en": ("26 fires, California", "IoU over all pixels"),
            "zh": ("26 场火灾，加利福尼亚", "全部像元的 IoU"),
        },
    ),
    "fuel-moisture": (
        "r2",
        {
            "en": ("100 sites, United States", "R²"),
            "zh": ("100 个站点，美国", "R²"),
        },
    ),
    "fire-occurrence": (
        "auroc",
        {
            "en": ("575 points, Thailand, by year", "AUROC"),
            "zh": ("575 个点，泰国，按年份划分", "AUROC"),
        },
    ),
    _STRESS: (
        "ap_disturbed",
        {
            "en": ("simulated forests", "AP of disturbed"),
            "zh": ("模拟林分", "受干扰的 AP"),
        },
    ),
}
_COLUMNS = {
    "en": (
        *("model", "data", "metric", "members that had not seen the place"),
        *("baseline", "more than that"),
    ),
    "zh": ("模型", "数据", "指标", "未见过该地点的成员", "对照", "高出"),
}
_ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Evaluate, compare with the cards, print."""
    options = argparse.ArgumentParser(description=__doc__)
    given = os.environ.get("AGROFOREST_DATA", _ROOT.parent / "shared" / "data")
    options.add_argument("--data", type=Path, default=Path(given))
    options.add_argument("--only", nargs="*", default=())
    options.add_argument("--write", type=Path, help="page to bring up to date")
    options.add_argument(
        "--readme", type=Path, nargs="*", default=(), help="pages for the summary"
    )
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    names = [n for n in (*_DATA, _STRESS) if not chosen.only or n in chosen.only]
    with ProcessPoolExecutor(_AT_ONCE, mp_context=get_context("spawn")) as pool:
        evaluations = pool.map(_evaluate, names, repeat(chosen.data))
        found = dict(zip(names, evaluations, strict=True))
    text = "\n".join(_section(name, one) for name, one in found.items())
    sys.stdout.write(text + "\n")
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        content = {
            name: {
                "metrics": [m.model_dump(mode="json") for m in one.metrics],
                "beside": [b._asdict() for b in one.beside],
            }
            for name, one in found.items()
        }
        chosen.json.write_text(json.dumps(content, indent=1) + "\n")
    if chosen.write:
        fill(chosen.write, "figures", text)
    for page in chosen.readme:
        language = "zh" if page.name.endswith(".zh.md") else "en"
        fill(page, "figures", _summary(found, language))
    different = [n for n, one in found.items() if not _agree(_card(n), one.metrics)]
    if different:
        sys.exit(f"other figures than in the card: {', '.join(different)}")


def _evaluate(name: str, data: Path) -> Evaluation:
    folder = models_dir() / name
    if name == _STRESS:
        return Evaluation(metrics=evaluate_canopy_stress(load_model(folder)))
    task = find_task(name)
    return evaluate(
        task,
        ensembles.load(task, folder),
        data / _DATA[name],
        baseline=find_baseline(name),
        progress=lambda _, note: print(note, file=sys.stderr),
    )


def _card(name: str) -> ModelCard:
    return read_card(models_dir() / name)


def _agree(card: ModelCard, metrics: Iterable[Metric]) -> bool:
    """Whether the figures are the card's, up to the last digit or so."""
    said = {m.name: m.value for m in card.metrics}
    return all(
        abs(said[m.name] - m.value) <= 2e-3 * abs(m.value) + 2e-4 for m in metrics
    )


def _section(name: str, found: Evaluation) -> str:
    card = _card(name)
    baseline = _baseline(found)
    lines = [
        f"### `{name}` {card.version}",
        "",
        f"{card.purpose.en} {card.training.data}. {found.metrics[0].on}.",
        "",
        "| metric | value | 95 % interval | prevalence "
        + ("| baseline | more than that |" if baseline else "|"),
        "|---|---|---|---|" + ("---|---|" if baseline else ""),
    ]
    for m in found.metrics:
        row = (
            f"| {m.name} | {m.value:.3f} | {_number(m.low)} to {_number(m.high)} "
            f"| {_number(m.prevalence)} |"
        )
        if baseline:
            row += _beside(baseline.get(m.name))
        lines.append(row)
    lines += _others(found)
    if found.reliability:
        lines += ["", "| said | was | answers |", "|---|---|---|"]
        lines += [
            f"| {b.said:.2f} | {b.was:.2f} | {b.answers:,} |" for b in found.reliability
        ]
    return "\n".join([*lines, ""])


def _baseline(found: Evaluation) -> dict[str, Beside]:
    """Find what the baseline reaches, by metric; empty without one."""
    return {b.metric: b for b in found.beside if b.name == found.beside[0].name}


def _beside(row: Beside | None) -> str:
    return " | |" if row is None else f" {row.value:.3f} | {_gain(row)} |"


def _gain(row: Beside) -> str:
    return f"{row.gain:+.3f} [{row.gain_low:+.3f}, {row.gain_high:+.3f}]"


def _others(found: Evaluation) -> list[str]:
    """Name the baseline, and what each learner reaches alone."""
    if not found.beside:
        return []
    name, first = found.beside[0].name, found.metrics[0].name
    alone = [
        f"{b.name.removesuffix(', alone')} {b.value:.3f}"
        for b in found.beside
        if b.name != name and b.metric == first
    ]
    lines = ["", f"Baseline: {name}, grown on the same folds."]
    if alone:
        lines += [f"{first} of each learner alone: {', '.join(alone)}."]
    return lines


def _summary(found: dict[str, Evaluation], language: str) -> str:
    """Table of the README."""
    columns = _COLUMNS[language]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for name, one in found.items():
        chosen, words = _README[name]
        data, metric = words[language]
        values = {m.name: m for m in one.metrics}
        row = values[chosen]
        if name == _STRESS:
            beside = f"{_short(values[chosen + '_rule'].value)} | |"
        else:
            other = _baseline(one)[chosen]
            gain = _gain(other).replace("0.", ".")
            beside = f"{_short(other.value)} | {gain} |"
        lines.append(
            f"| `{name}` | {data} | {metric} | {_short(row.value)} "
            f"[{_short(row.low)}, {_short(row.high)}] | {beside}"
        )
    return "\n".join(lines) + "\n"


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}".lstrip("0")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
