"""What a night's results lack, scene by scene, each with why and the way out.

Pure: a report's plain values in, gaps out. Only what is known is said: that a
satellite ought to have passed is not.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from agroforest.core.scene import Granule
from agroforest.nightly.plan import TileTask

Json = dict[str, Any]
Words = tuple[str, str]

#: Days without a scene, and without a clear pixel, after which a tile is named. Two
#: Sentinel-2 pass every five days; arbitrary beyond that.
NO_SCENE_DAYS, NO_VIEW_DAYS = 15, 30
#: Scenes of one gap that are named; the rest is counted.
_NAMED = 50


class GapKind(StrEnum):
    """Why something is missing, the gravest first."""

    FAILED = "failed"  #: a tile's task came to nothing
    SET_ASIDE = "set-aside"  #: no attempt at a tile's inputs survived
    LEFT_OUT = "left-out"  #: the budget was spent before
    FIRE = "fire"  #: fire could not be judged
    WATER = "water"  #: the parcels' water could not be kept
    UNREAD = "unread"  #: a scene that its storage did not deliver
    REFUSED = "refused"  #: a scene or a file was put into quarantine
    UNCATALOGUED = "uncatalogued"  #: a product the catalogue would not take
    FEED = "feed"  #: weather or hotspots are missing or in part unusable
    NO_SCENE = "no-scene"  #: nothing came of a tile for long
    NO_VIEW = "no-view"  #: nothing but cloud over a tile for long
    CLOUD = "cloud"  #: a scene shows no clear pixel of a tile
    TOO_CLOUDY = "too-cloudy"  #: a scene states more cloud than the settings let in


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Something that is missing.

    Attributes
    ----------
    kind
        Why, as programs read it.
    why, remedy
        Why, and the way out; Chinese and English.
    tiles, scenes
        Which; may be empty.
    """

    kind: GapKind
    why: Words
    remedy: Words
    tiles: Sequence[str] = ()
    scenes: Sequence[str] = ()

    def plain(self) -> Json:
        """As plain values, for JSON."""
        more = len(self.scenes) - _NAMED
        return {
            "kind": str(self.kind),
            "tiles": sorted(self.tiles),
            "scenes": sorted(self.scenes)[:_NAMED],
            **({"more_scenes": more} if more > 0 else {}),
            "zh": self.why[0],
            "en": self.why[1],
            "remedy_zh": self.remedy[0],
            "remedy_en": self.remedy[1],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is known beside a report.

    Attributes
    ----------
    planned
        Tasks of the night.
    cloudy
        Granules of the window that state too much cloud.
    last_taken
        Night of the newest scene of each watched tile; ``None`` of none.
    lacking_feeds
        Patterns of hotspot files that name no file.
    """

    planned: Sequence[TileTask] = ()
    cloudy: Sequence[Granule] = ()
    last_taken: Mapping[str, date | None] = field(default_factory=dict)
    lacking_feeds: Sequence[str] = ()


def find_gaps(report: Mapping[str, Any], known: Known | None = None) -> list[Json]:
    """Find everything a report lacks.

    Parameters
    ----------
    report
        See `agroforest.nightly.report.build_report`.
    known
        What is known besides.

    Returns
    -------
    list of dict
        By gravity, then tile and scene.
    """
    known = known or Known()
    order = list(GapKind)
    found = [
        *_failed(report, known.planned),
        *_set_aside(report.get("set_aside", ())),
        *_left_out(report.get("left_out", ())),
        *_fire(report.get("fire")),
        *_feeds(known.lacking_feeds),
        *_water(report.get("water")),
        *_refused(report),
        *_idle(report, known.last_taken),
        *_unseen(report),
        *_clouded(report),
        *_too_cloudy(known.cloudy),
    ]
    found.sort(key=lambda g: (order.index(g.kind), sorted(g.tiles), sorted(g.scenes)))
    return [gap.plain() for gap in found]


def _failed(report: Mapping[str, Any], planned: Sequence[TileTask]) -> Iterator[Gap]:
    scenes: dict[str, list[str]] = defaultdict(list)
    for task in planned:
        scenes[task.tile.id] += [scene.id for scene in task.scenes]
    yearly = report.get("yearly", {}).get("tiles", ())
    rows = (*report["tiles"], *report["baselines"], *yearly)
    errors = {row["tile"]: row["error"] for row in rows if row.get("error")}
    for tile, error in errors.items():
        yield Gap(
            kind=GapKind.FAILED,
            why=("瓦片未完成", f"the tile failed: {error}"),
            remedy=(
                "下一夜自动重试；也可再次运行 agroforest nightly",
                "the next night tries again; or run agroforest nightly again",
            ),
            tiles=(tile,),
            scenes=scenes[tile],
        )


def _set_aside(rows: Iterable[Mapping[str, Any]]) -> Iterator[Gap]:
    for row in rows:
        count, night = row["attempts"], row["night"]
        yield Gap(
            kind=GapKind.SET_ASIDE,
            why=(
                f"自 {night} 起搁置，{count} 次尝试均失败",
                f"set aside since {night} after {count} attempts: {row['reason']}",
            ),
            remedy=(
                f"查明原因后运行 agroforest redrive PIPELINE --tile {row['tile']}",
                f"mend the cause: agroforest redrive PIPELINE --tile {row['tile']}",
            ),
            tiles=(row["tile"],),
        )


def _left_out(rows: Iterable[Mapping[str, Any]]) -> Iterator[Gap]:
    for row in rows:
        reason = row.get("reason") or "budget"
        yield Gap(
            kind=GapKind.LEFT_OUT,
            why=(
                f"预算用尽，本夜未处理：{reason}",
                f"not begun, budget spent: {reason}",
            ),
            remedy=(
                "下一夜继续；若常发生，请提高 [budget]",
                "the next night goes on; if this is common, raise [budget]",
            ),
            tiles=(row["tile"],),
            scenes=row.get("scenes", ()),
        )


def _fire(fire: Mapping[str, Any] | None) -> Iterator[Gap]:
    if fire is None:
        return
    if "error" in fire:
        yield Gap(
            kind=GapKind.FIRE,
            why=("未能判断火情", f"not judged: {fire['error']}"),
            remedy=(
                "修复所指文件后再次运行本夜；此前警报保持原状",
                "mend what is named, run the night again; alerts stay as they were",
            ),
        )
        return
    for note in fire.get("notes", ()):
        yield Gap(
            kind=GapKind.FEED,
            why=("火险等级资料不全", f"fire danger: {note}"),
            remedy=(
                "补齐 [fire] 所指的气象文件后再次运行本夜",
                "complete the weather that [fire] names and run the night again",
            ),
        )
    yield from _rows(fire.get("hotspots", {}).get("refused", 0), "火点", "hotspots")


def _feeds(patterns: Sequence[str]) -> Iterator[Gap]:
    for pattern in patterns:
        yield Gap(
            kind=GapKind.FEED,
            why=("没有火点文件", "no file of hotspots"),
            remedy=(
                f"让下载程序把文件放到 {pattern}",
                f"have them put where [fire] looks: {pattern}",
            ),
        )


def _water(water: Mapping[str, Any] | None) -> Iterator[Gap]:
    if water is None:
        return
    if "error" in water:
        yield Gap(
            kind=GapKind.WATER,
            why=("未能计算水分", f"not kept: {water['error']}"),
            remedy=(
                "修复所指文件后再次运行本夜",
                "mend the file that is named and run the night again",
            ),
        )
        return
    for note in water.get("notes", ()):
        yield Gap(
            kind=GapKind.FEED,
            why=(f"水分：{note['zh']}", f"water: {note['en']}"),
            remedy=(
                "补齐 [water] 所指的气象文件",
                "complete the weather that [water] names",
            ),
        )
    for key, zh, en in (
        ("weather_rows_refused", "气象", "weather"),
        ("irrigation_rows_refused", "灌溉", "irrigation"),
    ):
        yield from _rows(water.get(key, {}).get("count", 0), zh, en)


def _rows(count: int, zh: str, en: str) -> Iterator[Gap]:
    if count:
        yield Gap(
            kind=GapKind.FEED,
            why=(f"{zh}文件有 {count} 行不能用", f"{count} rows of {en} set aside"),
            remedy=(
                "报告列出了文件与行号，请修改文件",
                "the report names file and line: mend the file",
            ),
        )


def _refused(report: Mapping[str, Any]) -> Iterator[Gap]:
    for key, kind, zh, remedy in (
        (
            "unread",
            GapKind.UNREAD,
            "存储设备读不出影像",
            "检查磁盘或挂载；恢复后下一夜自动再读，也可再次运行 agroforest nightly",
        ),
        ("quarantined", GapKind.REFUSED, "已隔离", "换上完好的文件，下一夜会再读"),
        (
            "uncatalogued",
            GapKind.UNCATALOGUED,
            "未能编目",
            "修复后再次运行 agroforest scenes add",
        ),
    ):
        # Once each: every tile that a scene lies on has met it.
        rows = ((row["where"], row["problem"], row["remedy"]) for row in report[key])
        for where, problem, way_out in dict.fromkeys(rows):
            yield Gap(
                kind=kind,
                why=(zh, problem),
                remedy=(remedy, way_out),
                scenes=(where,),
            )


def _idle(
    report: Mapping[str, Any], last_taken: Mapping[str, date | None]
) -> Iterator[Gap]:
    night = date.fromisoformat(report["night"])
    busy = {row["tile"] for row in report["tiles"]}  # their scenes are of tonight
    since: dict[date | None, list[str]] = defaultdict(list)
    for tile, last in last_taken.items():
        if tile in busy:
            continue
        if last is None or (night - last).days > NO_SCENE_DAYS:
            since[last].append(tile)
    for last, tiles in since.items():
        days = None if last is None else (night - last).days
        yield Gap(
            kind=GapKind.NO_SCENE,
            why=(
                "从未有影像" if days is None else f"{days} 天没有新影像（自 {last}）",
                "never had a scene"
                if days is None
                else f"no new scene for {days} days (since {last})",
            ),
            remedy=(
                "查看影像来源与下载；agroforest scenes add 之后重跑",
                "look at where scenes come from; agroforest scenes add, then run again",
            ),
            tiles=tiles,
        )


def _unseen(report: Mapping[str, Any]) -> Iterator[Gap]:
    for row in report["tiles"]:
        days = row["days_without_clear_view"]
        if days is not None and days > NO_VIEW_DAYS and not row["error"]:
            yield Gap(
                kind=GapKind.NO_VIEW,
                why=(
                    f"{days} 天没有晴空像元（最近 {row['last_clear']}）",
                    f"no clear pixel for {days} days (last {row['last_clear']})",
                ),
                remedy=(
                    "只能等待晴天；其间该瓦片的判断不会更新",
                    "only a clear day helps; until then nothing new is known here",
                ),
                tiles=(row["tile"],),
            )


def _clouded(report: Mapping[str, Any]) -> Iterator[Gap]:
    tiles: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in report["tiles"]:
        for day in row["days"]:
            if not day["usable"]:
                for scene in day["scenes"]:
                    tiles[day["day"], scene].append(row["tile"])
    for (day, scene), over in tiles.items():
        yield Gap(
            kind=GapKind.CLOUD,
            why=(
                f"{day} 全部为云或无数据",
                f"nothing but cloud or nodata on {day}",
            ),
            remedy=(
                "无需处理，等待下一次过境",
                "nothing to do: wait for the next pass",
            ),
            tiles=over,
            scenes=(scene,),
        )


def _too_cloudy(cloudy: Sequence[Granule]) -> Iterator[Gap]:
    for granule in cloudy:
        cover = granule.cloud_cover
        yield Gap(
            kind=GapKind.TOO_CLOUDY,
            why=(
                f"标称云量 {cover:.0f} %，超过设置的上限",
                f"states {cover:.0f} % cloud, more than the settings let in",
            ),
            remedy=(
                "如需使用，提高 scenes.max_cloud_cover",
                "to use it, raise scenes.max_cloud_cover",
            ),
            scenes=(granule.id,),
        )
