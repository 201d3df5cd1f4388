"""Sentences about yearly comparisons: what is missing, and what to beware of."""

from collections.abc import Iterator, Sequence

from agroforest.nightly.plan import Plan, Watch
from agroforest.nightly.result import TaskResult
from agroforest.nightly.year import Lack
from agroforest.nightly.yearly.groups import CAVEAT
from agroforest.nightly.yearly.plan import FEWEST_YEARS, YEARS
from agroforest.risk import models_dir, read_card

#: A sentence, by language.
Sentence = dict[str, str]

_WORDS = {
    Lack.SEASON: (
        "没有 {year} 年 {season} 的影像，未比较",
        "no scenes of {season} in {year}, not compared",
    ),
    Lack.SEASON_BEFORE: (
        "没有 {before} 年 {season} 的影像，未与上年比较",
        "no scenes of {season} in {before} to compare with",
    ),
    Lack.BANDS: (
        "影像缺少模型所需波段（需 B02 至 B08、B8A、B11、B12），未比较",
        "scenes lack bands of the model (B02 to B08, B8A, B11, B12), not compared",
    ),
    Lack.LANDSAT: (
        "{first} 至 {year} 年的 Landsat 影像不足 {fewest} 年或缺最后一年，未判断成因",
        "no causes: Landsat of {first} to {year} needs {fewest} years and the last",
    ),
}


def say_missing(watch: Watch, plan: Plan, year: int) -> Iterator[Sentence]:
    """Say what is missing, one sentence each."""
    for reason in watch.yearly.missing if watch.yearly else ():
        yield {"zh": f"模型不能使用：{reason}", "en": f"cannot be used: {reason}"}
    settings = watch.pipeline.yearly
    names = {
        "year": year,
        "before": year - 1,
        "first": year - YEARS + 1,
        "fewest": FEWEST_YEARS,
        "season": settings.season if settings else "",
    }
    for reason, tiles in sorted(plan.lacking.items()):
        zh, en = (text.format(**names) for text in _WORDS[Lack(reason)])
        more = "tile" if tiles == 1 else "tiles"
        yield {"zh": f"{zh}（{tiles} 个瓦片）", "en": f"{en} ({tiles} {more})"}


def say_limits(watch: Watch, results: Sequence[TaskResult]) -> list[Sentence]:
    """Say what the models that judged tonight must not be taken for."""
    settings = watch.pipeline.yearly
    lines: list[Sentence] = []
    if settings is not None and any(r.yearly and r.yearly.compared for r in results):
        lines.append(damage_limits(settings.damage))
    if any(r.yearly and r.yearly.explained for r in results):
        lines.append({"zh": CAVEAT[0], "en": CAVEAT[1]})
    return lines


def damage_limits(name: str) -> Sentence:
    """Limits of a model's card in one line."""
    limits = read_card(models_dir() / name).limits
    return {"zh": "".join(limits.zh), "en": " ".join(limits.en)}
