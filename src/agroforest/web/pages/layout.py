"""How a page is put together: templates, the frame around them, what was just done."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

from agroforest.web.access import Visit
from agroforest.web.site import NavEntry
from agroforest.web.views import Speech
from agroforest.web.words import LANGUAGES, WORDS, Words

#: Holds what was just done until the next page has said so: a key of `WORDS`.
SAID_COOKIE = "desk-said"

_SCRIPTS = (
    "htmx.min.js",
    "desk.js",
)
_SAID = re.compile(r"\bt\('([a-z0-9_.]+)'\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Flash:
    """What was just done, or why not.

    Attributes
    ----------
    text
        In words.
    kind
        ``good``, ``bad`` or ``plain``.
    undo
        Where to send the form that undoes it; empty if nothing does.
    reload
        Where to look at what it is now; empty if that is no way out.
    """

    text: str
    kind: str = "good"
    undo: str = ""
    reload: str = ""


def speech_of(visit: Visit) -> Speech:
    """How a visitor is told numbers and times."""
    site = visit.site
    return Speech(words=visit.words, zone=site.zone, now=site.now())


def render(
    request: Request,
    visit: Visit,
    template: str,
    *,
    status: int = 200,
    flash: Flash | None = None,
    headers: Mapping[str, str] | None = None,
    **context: Any,  # noqa: ANN401  whatever the template shows
) -> HTMLResponse:
    """Render a template in the visitor's language.

    Parameters
    ----------
    request, visit
        For whom.
    template
        Name of a file in ``templates/``.
    status
        Of the answer.
    flash
        What was just done; what a form before a redirect left to say unless given.
    headers
        More of them.
    context
        What the template shows besides `frame`.
    """
    said = request.cookies.get(SAID_COOKIE, "") if not visit.is_partial else ""
    if flash is None and said in WORDS:
        flash = Flash(text=visit.words(said))
    text = (
        compile_templates(visit.words.language)
        .get_template(template)
        .render(frame(request, visit), flash=flash, **context)
    )
    response = HTMLResponse(text, status, headers=dict(headers or {}))
    response.headers["Content-Language"] = visit.words.tag
    response.headers["Vary"] = "Cookie, HX-Request"
    if said:
        response.delete_cookie(SAID_COOKIE)
    return response


def frame(request: Request, visit: Visit) -> dict[str, Any]:
    """Collect what every template knows."""
    site = visit.site
    settings = site.bureau.settings
    account = None if visit.caller is None else visit.caller.account
    here = request.url.path
    query = request.url.query
    return {
        "t": visit.words,
        "say": speech_of(visit),
        "visit": visit,
        "account": account,
        "csrf": visit.csrf,
        "csrf_field": hide_field(visit.csrf),
        "site_title": visit.words.pick((settings.title_zh, settings.title_en)),
        "simulated": site.simulated,
        "nav": [_Link(each, here) for each in site.nav if visit.sees(each)],
        "languages": LANGUAGES,
        "asset": asset_path,
        "here": f"{here}?{query}" if query else here,
    }


def hide_field(csrf: str) -> Markup:
    """Write what a form sends back to show that it is meant."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(csrf)


def go(path: str, *, said: str = "") -> RedirectResponse:
    """Send on to another page after a form; `said` is what that page shall say."""
    response = RedirectResponse(path, 303)
    if said:
        response.set_cookie(
            SAID_COOKIE, said, max_age=60, httponly=True, samesite="lax"
        )
    return response


def address(path: str, **query: object) -> str:
    """Write an address; what is empty is left out."""
    asked = {key: value for key, value in query.items() if value not in {None, ""}}
    return f"{path}?{urlencode(asked, doseq=True)}" if asked else path


def compile_templates(language: str) -> Environment:
    """Environment of the templates in a language; compiled once for all."""
    return _environment(Words(language).language)


class _Speller(Extension):
    """Puts words in as a template is compiled, where it says which: most of them."""

    def preprocess(
        self,
        source: str,
        name: str | None,  # noqa: ARG002  jinja's signature
        filename: str | None = None,  # noqa: ARG002
    ) -> str:
        """Replace ``t('key')`` by the text that it would be each time."""
        words = Words(str(self.environment.globals["language"]))
        return _SAID.sub(lambda found: _quote(words(found[1])), source)


def _quote(text: str) -> str:
    """Write a text as one in a template."""
    return json.dumps(text, ensure_ascii=False)


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("agroforest.web"),
        extensions=[_Speller],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.globals |= {"scripts": _SCRIPTS, "language": language}
    return environment


@cache
def asset_path(name: str) -> str:
    """Address of a static file; another one when its content changes."""
    content = files("agroforest.web").joinpath("static", name).read_bytes()
    return f"/static/{name}?v={sha256(content).hexdigest()[:12]}"


class _Link:
    """An entry of the navigation as one page shows it."""

    def __init__(self, entry: NavEntry, here: str) -> None:
        self.key, self.path = entry.key, entry.path
        self.is_here = here == entry.path or here.startswith(f"{entry.path}/")
        if entry.path == "/queue":
            self.is_here = self.is_here or here.startswith("/alerts")


def is_html(request: Request) -> bool:
    """Whether whoever asks reads pages, rather than data."""
    return "text/html" in request.headers.get("accept", "") or (
        request.headers.get("hx-request") == "true"
    )


def plain(text: str, status: int) -> Response:
    """Answer with plain text."""
    return Response(f"{text}\n", status, media_type="text/plain")
