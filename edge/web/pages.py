"""Templates, words and static files of all parts, read once at the start; a page is rendered from memory.

A template is called by part: `web/error.jinja`, `shop/product.jinja`. Beside what its handler gives it, it has
`t(key, **fields)`, `lang`, `other_lang`, `switch_url`, `static(name)`, `money(fen)`, `pick(thing, "name")` (its
`name_zh` or `name_en`).
"""

from __future__ import annotations

import hashlib
import mimetypes
from importlib import resources
from typing import NamedTuple

import aiohttp_jinja2
import jinja2
from aiohttp import web

from edge.web.words import COOKIE, LANGUAGES, PARTS, Words, language_of, package_of, short

LANGUAGE = web.RequestKey("language", str)
"""Key of a request: a handler that knows better (a kiosk's visit) sets it before it renders."""
WEEK_S = 7 * 24 * 3600


class Asset(NamedTuple):
    body: bytes
    content_type: str
    tag: str
    """Start of its SHA-256, part of its URL: a new release is fetched, an old one is cached for a week."""


WORDS = web.AppKey("words", Words)
DEFAULT = web.AppKey("default_language", str)
ASSETS = web.AppKey("assets", dict[str, Asset])


def prepare(app: web.Application, *, language: str) -> None:
    """Blocking: reads and compiles everything, so that a broken template stops the start, not a shopper."""
    app[WORDS] = Words.load()
    app[DEFAULT] = language
    app[ASSETS] = _assets()
    loaders: dict[str, jinja2.BaseLoader] = {}
    for part in PARTS:
        folder = resources.files(package_of(part)) / "templates"
        texts = {file.name: file.read_text("utf-8") for file in folder.iterdir()} if folder.is_dir() else {}
        loaders[part] = jinja2.DictLoader(texts)
    env = aiohttp_jinja2.setup(
        app,
        loader=jinja2.PrefixLoader(loaders),
        auto_reload=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        default_helpers=False,
    )
    env.globals["static"] = lambda name: f"/static/{name}?v={app[ASSETS][name].tag}"
    env.globals["money"] = money
    env.filters["money"] = money
    for name in env.list_templates():
        env.get_template(name)


def page(request: web.Request, template: str, *, status: int = 200, **values: object) -> web.Response:
    """Renders a page, or a part of one, in the request's language."""
    lang = chosen(request)
    body = text(request, template, **values)
    response = web.Response(text=body, status=status, content_type="text/html", charset="utf-8")
    response.headers["Content-Language"] = lang
    if request.query.get("lang") == lang and LANGUAGE not in request:
        response.set_cookie(COOKIE, lang, httponly=True, samesite="Lax")
    return response


def text(request: web.Request, template: str, **values: object) -> str:
    """A template as text, for parts of pages and WebSockets."""
    words = words_of(request)
    lang = chosen(request)
    other = next(language for language in LANGUAGES if language != lang)
    base: dict[str, object] = {
        "t": lambda key, **fields: words.say(key, lang, **fields),
        "lang": lang,
        "other_lang": other,
        "switch_url": "/" + str(request.rel_url.update_query(lang=other)).lstrip("/"),  # //x would be a host
        "pick": lambda thing, field: getattr(thing, f"{field}_{short(lang)}"),
    }
    return aiohttp_jinja2.render_string(template, request, base | values)


def chosen(request: web.Request) -> str:
    known: str | None = request.get(LANGUAGE)
    return known or language_of(request, default=request.app[DEFAULT])


def words_of(request: web.Request) -> Words:
    return request.app[WORDS]


def say(request: web.Request, key: str, **fields: object) -> str:
    """One text in the request's language."""
    return words_of(request).say(key, chosen(request), **fields)


def money(fen: int) -> str:
    """1234567 → `¥12,345.67`; the sign stands in front."""
    return f"{'-' if fen < 0 else ''}¥{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


async def static(request: web.Request) -> web.StreamResponse:
    """`/static/{name}`, from memory; for ever with the right `?v=`, else asked for anew each time."""
    asset = request.app[ASSETS].get(request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    fixed = request.query.get("v") == asset.tag
    caching = f"public, max-age={WEEK_S}, immutable" if fixed else "no-cache"
    headers = {"Cache-Control": caching, "ETag": f'"{asset.tag}"'}
    if any(tag.value == asset.tag for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=asset.body, headers=headers | {"Content-Type": asset.content_type})


def _assets() -> dict[str, Asset]:
    found: dict[str, Asset] = {}
    for file in (resources.files("edge.web") / "static").iterdir():
        kind = mimetypes.guess_type(file.name)[0]
        if file.is_file() and kind:
            body = file.read_bytes()
            text = "; charset=utf-8" if kind.startswith("text/") else ""
            found[file.name] = Asset(body, kind + text, hashlib.sha256(body).hexdigest()[:12])
    return found
