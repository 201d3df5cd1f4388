"""The one call that makes a page."""

from agroforest.maps.page import MapPage


def build_page(page: MapPage) -> str:
    """Build a page as one HTML document that makes no network request.

    The same page gives the same bytes. Strings of the page are shown as text,
    whatever they contain.

    Parameters
    ----------
    page
        What to show.

    Returns
    -------
    str
        HTML, to be written as UTF-8.

    Raises
    ------
    ConfigurationError
        If a layer asks for a colour map that does not exist.
    ValueError
        If layers of one name have different scales, or a number that is shown
        is not finite.
    """
    # folium takes half a second to import; planning a night does not need it.
    from agroforest.maps.document import build_document  # noqa: PLC0415  see above
    from agroforest.maps.fire_data import add_fire  # noqa: PLC0415  see above
    from agroforest.maps.layers import build_data  # noqa: PLC0415  see above
    from agroforest.maps.water_data import add_water  # noqa: PLC0415  see above
    from agroforest.maps.years import add_years  # noqa: PLC0415  see above

    data = add_years(build_data(page), page)
    data = add_water(add_fire(data, page), page)
    return build_document(data, title=page.title_zh)
