"""How decoded numbers are called in both languages, and a message as plain values."""

from collections.abc import Iterable, Mapping

from agroforest.sensors.decoders.message import Measured, Message

#: Chinese, English and unit of each name.
LABELS: Mapping[str, tuple[str, str, str]] = {
    "air_humidity_pct": ("空气湿度", "air humidity", "%"),
    "air_temperature_c": ("气温", "air temperature", "°C"),
    "battery_days": ("电池剩余天数", "battery days left", ""),
    "battery_pct": ("电池", "battery", "%"),
    "battery_v": ("电池", "battery", "V"),
    "dielectric": ("介电常数", "permittivity", ""),
    "ec_us_cm": ("土壤电导率", "soil conductivity", "uS/cm"),
    "external_temperature_c": ("外接探头温度", "cable probe temperature", "°C"),
    "leaf_moisture_pct": ("叶面湿度", "leaf moisture", "%"),
    "leaf_temperature_c": ("叶面温度", "leaf temperature", "°C"),
    "leaf_wetness": ("叶面湿润指数", "leaf wetness index", ""),
    "light_lux": ("光照", "light", "lux"),
    "profile_moisture": ("剖面水分（未标定）", "profile moisture (uncalibrated)", ""),
    "profile_salinity": ("剖面盐分（未标定）", "profile salinity (uncalibrated)", ""),
    "pulse_count": ("脉冲计数", "pulse count", ""),
    "raw_conductivity": ("电导率原始值", "raw conductivity", ""),
    "raw_moisture": ("水分原始值", "raw moisture", ""),
    "soil_temperature_c": ("土壤温度", "soil temperature", "°C"),
    "temperature_alarm": ("温度报警", "temperature alarm", ""),
    "temperature_change_c": ("温度突变", "temperature change", "°C"),
    "vwc_m3_m3": ("土壤体积含水量", "soil water content", "m³/m³"),
    "vwc_pct": ("土壤体积含水量", "soil water content", "%"),
    "water_potential_kpa": ("土壤水势", "soil water potential", "kPa"),
}

#: Digits kept: no probe resolves nine decimals, and 0.1 + 0.2 is 0.3.
_DIGITS = 9


def flatten(message: Message) -> dict[str, object]:
    """Bring a message to plain values, ready for JSON.

    Returns
    -------
    dict
        ``device_id`` where known; each number under its name, ``None`` where the
        device sent its error value, and once more with the maker's number before it
        (``4097_air_temperature_c``); ``levels``, a list of objects with ``level``,
        for profile probes; ``history``, a list of objects with ``unix_time``;
        ``about``, what the device says of itself. Parts that are empty are left out.
    """
    found: dict[str, object] = {}
    if message.device_id is not None:
        found["device_id"] = message.device_id
    found |= _flatten_numbers(message.measured)
    if message.history:
        found["history"] = [
            {"unix_time": int(kept.time.timestamp()), **_flatten_numbers(kept.measured)}
            for kept in message.history
        ]
    if message.about:
        found["about"] = dict(message.about)
    return found


def _flatten_numbers(measured: Iterable[Measured]) -> dict[str, object]:
    found: dict[str, object] = {}
    levels: dict[int, dict[str, object]] = {}
    for one in measured:
        value = None if one.value is None else round(one.value, _DIGITS)
        if one.level is not None:
            level = levels.setdefault(one.level, {"level": one.level})
            if one.depth_m is not None:
                level["depth_m"] = one.depth_m
            level[one.name] = value
            continue
        found[one.name] = value
        if one.code is not None:
            found[f"{one.code}_{one.name}"] = value
    if levels:
        found["levels"] = [levels[level] for level in sorted(levels)]
    return found


def describe(message: Message) -> list[str]:
    """Say a message in words, one line a number, Chinese first.

    Returns
    -------
    list of str
        ``土壤温度 soil temperature: 28.1 °C``; history after its time.
    """
    lines = [_describe_number(one) for one in message.measured]
    for kept in message.history:
        lines.append(f"历史 kept since {kept.time:%Y-%m-%d %H:%M:%SZ}")
        lines += [f"  {_describe_number(one)}" for one in kept.measured]
    lines += [f"{name}: {text}" for name, text in message.about if text]
    return lines


def _describe_number(one: Measured) -> str:
    zh, en, unit = LABELS.get(one.name, ("", one.name, ""))
    place = "" if one.level is None else f" #{one.level}"
    title = f"{zh} {en}".strip() + place
    if one.value is None:
        return f"{title}: 无读数 no reading"
    return f"{title}: {one.value:.9g} {unit}".rstrip()
