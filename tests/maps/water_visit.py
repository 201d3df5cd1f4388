"""Parcels in a real browser: how their tests open a page, tap and look for clashes."""

from pathlib import Path

from tests.maps.fire_visit import WIDE, click_at
from tests.maps.test_browser import Open, Visit
from tests.maps.waters import farm_page, place_box, water_page

from agroforest.maps import MapPage, ParcelWater, build_page

# What is cut off or leaves the window.
CUT = """() => [...document.querySelectorAll('body *')].filter(e => {
  if (!e.getClientRects().length) return false;
  const pane = e.closest('.leaflet-pane'); // the map is larger than its window
  if (pane && !(pane.matches('.leaflet-popup-pane') && e.closest('.af-popup'))) return false;
  if (e.matches('.folium-map') || e.closest('svg')) return false;
  const r = e.getBoundingClientRect();
  const inline = getComputedStyle(e).display === 'inline';
  return r.left < -1 || r.right > innerWidth + 1
    || (!inline && e.clientWidth && e.scrollWidth > e.clientWidth + 1);
}).map(e => e.className + ': ' + e.textContent.slice(0, 40))"""  # noqa: E501  a script
# Text of a chart that leaves its picture, or that lies on another text.
CLASH = """() => [...document.querySelectorAll('.af-water-chart')].flatMap(chart => {
  const whole = chart.getBoundingClientRect();
  const boxes = [...chart.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
  const out = boxes.filter(([, r]) => r.left < whole.left - 1 || r.right > whole.right + 1);
  const over = boxes.filter(([, a], n) => boxes.slice(n + 1).some(([, b]) =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3));
  return [...out, ...over].map(([words]) => words); })"""  # noqa: E501  a script


def open_page(
    visit: Open, folder: Path, page: MapPage, size: tuple[int, int] = WIDE
) -> Visit:
    path = folder / "page.html"
    path.write_text(build_page(page), encoding="utf-8")
    return visit(path, size)


def only(*parcels: ParcelWater) -> MapPage:
    return farm_page(water_page(parcels=parcels, notes=()))


def tap(seen: Visit, number: int) -> None:
    """Tap the parcel beside its sign."""
    box = place_box(number).bounds
    click_at(seen, (box[0] + box[2]) / 2, box[1] + 0.8 * (box[3] - box[1]))


def show_card(seen: Visit) -> None:
    """Open the card of the most urgent parcel."""
    seen.page.evaluate("{ const w = agroforest.view.water; w.visit(w.parcels[0]); }")
