"""Advice in sentences, Chinese and English."""

import math
from collections.abc import Sequence
from datetime import date

import numpy as np

from agroforest.water.advice import Advice, Confidence, Reason, Verdict
from agroforest.water.outlook import Outlook
from agroforest.water.plot import Amount, Evidence
from agroforest.water.state import RootZone

_WEEKDAYS = "一二三四五六日"
_CONFIDENCE = {
    Confidence.HIGH: ("把握大", "confidence high"),
    Confidence.FAIR: ("把握中等", "confidence fair"),
    Confidence.LOW: ("把握小", "confidence low"),
}
_LEAST_RAIN = 1.0  # mm worth a word


def tell(advice: Advice) -> tuple[str, str]:
    """Say it, in Chinese and in English."""
    plot = advice.plot
    zh, en = _tell_what(advice)
    sure = "", ""
    if advice.confidence is not None:
        words = _CONFIDENCE[advice.confidence]
        why_zh = "；".join(reason.zh for reason in advice.reasons)
        why_en = "; ".join(reason.en for reason in advice.reasons)
        sure = f"{words[0]}（{why_zh}）。", f" {words[1].capitalize()}: {why_en}."
    return (
        f"{plot.zh} {plot.crop_zh}：{zh}。{sure[0]}",
        f"{plot.en}, {plot.crop_en}: {en}.{sure[1]}",
    )


def _tell_what(advice: Advice) -> tuple[str, str]:
    if advice.verdict is Verdict.WITHHELD:
        named = [
            f"{one.names[0]}（{one.reason}）" if one.reason else one.names[0]
            for one in advice.distrusted
        ]
        plain = [
            f"{one.names[1]} ({one.reason})" if one.reason else one.names[1]
            for one in advice.distrusted
        ]
        return (
            f"不作灌溉建议，读数不可信：{'、'.join(named)}",
            f"no advice, because these readings are not trusted: {', '.join(plain)}",
        )
    until = advice.until or advice.day
    rain = advice.rain_mm or 0.0
    if advice.verdict is Verdict.ENOUGH:
        return (
            f"到{_say_zh(until)}水分充足，不必灌溉",
            f"enough water until {_say_en(until)}, no irrigation",
        )
    if advice.verdict is Verdict.RAIN_COMES:
        wet = f"{rain:.0f} mm of rain are forecast until {_say_en(until)}"
        return (
            f"到{_say_zh(until)}预报降水 {rain:.0f} mm，足够，不必灌溉",
            f"{wet}, which is enough: no irrigation",
        )
    return _tell_irrigation(advice)


def _tell_irrigation(advice: Advice) -> tuple[str, str]:
    if advice.amount is None or advice.short_day is None or advice.latest is None:
        raise ValueError("advice to irrigate without amount and days")
    short = advice.short_mm or 0.0
    late_zh, late_en = ("已过时限，", "overdue, ") if advice.overdue else ("", "")
    when_zh = f"{late_zh}最迟{_say_zh(advice.latest)}灌水"
    when_en = f"{late_en}irrigate by {_say_en(advice.latest)}"
    amount_zh, amount_en = _say_amount(advice.amount)
    if advice.amount.part:
        part = f"一次最多 {advice.amount.gross_mm:.0f} mm，需再灌"
        amount_zh = f"{amount_zh}；{part}"
        amount_en = f"{amount_en}; as much as goes in at once, more will be needed"
    return (
        f"到{_say_zh(advice.short_day)}缺水 {short:.0f} mm，{when_zh} {amount_zh}",
        f"{short:.0f} mm short by {_say_en(advice.short_day)}, {when_en}: {amount_en}",
    )


def _say_amount(amount: Amount) -> tuple[str, str]:
    zh = (
        f"{amount.gross_mm:.0f} mm（每亩 {amount.m3_per_mu:.0f} m³，"
        f"共 {amount.m3:.0f} m³）"
    )
    en = (
        f"{amount.gross_mm:.0f} mm ({amount.m3_per_mu:.0f} m³ per mu, "
        f"{amount.m3:.0f} m³ in all)"
    )
    if amount.minutes is not None:
        minutes = math.ceil(amount.minutes)
        zh, en = f"{zh}，开阀 {minutes} 分钟", f"{en}, {minutes} minutes of valve"
    return zh, en


def explain(
    zone: RootZone, outlook: Outlook, evidence: Sequence[Evidence]
) -> tuple[Reason, ...]:
    """Say what the verdict rests on."""
    spread = float(np.sqrt(zone.variance))
    found = [
        Reason(
            f"亏缺误差约 ±{spread:.0f} mm", f"depletion known to about ±{spread:.0f} mm"
        )
    ]
    if evidence:
        zh = "、".join(one.names[0] for one in evidence)
        en = ", ".join(one.names[1] for one in evidence)
        found.append(Reason(f"依据 {zh}", f"drawn to {en}"))
    else:
        found.append(
            Reason(
                "无实测，仅据气象和作物参数",
                "nothing measured, weather and tables alone",
            )
        )
    if outlook.rain >= _LEAST_RAIN:
        found.append(
            Reason(
                f"计入预报降水 {outlook.rain:.0f} mm",
                f"counts on {outlook.rain:.0f} mm of forecast rain",
            )
        )
    stale = int(zone.stale)
    if stale:
        found.append(
            Reason(f"已 {stale} 天无气象数据", f"{stale} days without weather")
        )
    return tuple(found)


def _say_zh(day: date) -> str:
    return f"周{_WEEKDAYS[day.weekday()]}（{day.month} 月 {day.day} 日）"


def _say_en(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"
