"""Fire weather of a station or a grid: from weather files to codes and indices."""

from agroforest.products.fire_weather.product import (
    FireWeatherReport,
    FireWeatherRequest,
    write_fire_weather,
)

__all__ = ["FireWeatherReport", "FireWeatherRequest", "write_fire_weather"]
