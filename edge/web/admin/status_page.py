"""The status page and its siblings for programs: one look at everything, from the same value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from edge import liveness
from edge.board import Board
from edge.checked import masked
from edge.journal import Journal
from edge.status.gather import Status
from edge.status.times import age_s
from edge.web import pages
from edge.web.admin import metrics
from edge.web.admin.beacon_rows import rows
from edge.web.admin.chart import Chart, chart
from edge.web.admin.plan import plan
from edge.web.admin.wording import Wording

__all__ = ["Status", "alive", "health_routes", "routes"]

Ask = Callable[[], Awaitable[Status]]


def routes(ask: Ask) -> list[web.AbstractRouteDef]:
    page = StatusPage(ask)
    return [
        web.get("/", page.show),
        web.get("/api/v1/status", page.facts),
        web.get("/metrics", page.numbers),
    ]


def health_routes(live: Callable[[], str], journal: Journal) -> list[web.AbstractRouteDef]:
    """`/healthz`: the process does its work. `/readyz`: it can take events. Both say why not in one word or line."""

    async def healthz(_: web.Request) -> web.Response:
        problem = live()
        return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)

    async def readyz(_: web.Request) -> web.Response:
        refusing = (await journal.stats()).refusing
        problem = live() or (f"the journal refuses: {refusing.value}" if refusing else "")
        return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]


def alive(board: Board, journal: Journal) -> str:
    """Why the daemon should be restarted, or empty."""
    return liveness.problem(board, journal)


class StatusPage:
    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def show(self, request: web.Request) -> web.Response:
        """The page; with `?part=1` only what changes, for the script that refreshes it."""
        status = await self._ask()
        wording = Wording(pages.words_of(request), pages.chosen(request), status.timezone)
        charts: list[Chart] = [chart(day, status, wording) for day in status.footfall]
        template = "admin/now.jinja" if "part" in request.query else "admin/status.jinja"
        return pages.page(
            request,
            template,
            status=200,
            now=status,
            w=wording,
            charts=charts,
            plan=plan(status, wording),
            beacon_rows=rows(status, wording),
            age_s=age_s,
        )

    async def facts(self, request: web.Request) -> web.Response:
        """The same as JSON, findings in words too (`?lang=en`)."""
        status = await self._ask()
        wording = Wording(pages.words_of(request), pages.chosen(request), status.timezone)
        facts = masked(status)
        facts["time"] = status.at.at.isoformat(timespec="milliseconds")
        facts["findings"] = [
            {
                "level": finding.level.value,
                "code": finding.code,
                "fields": finding.fields,
                "text": wording.finding(finding),
                "next": wording.next_step(finding),
            }
            for finding in status.findings
        ]
        return web.Response(body=msgspec.json.encode(facts), content_type="application/json")

    async def numbers(self, _: web.Request) -> web.Response:
        """In Prometheus' text format."""
        return web.Response(body=metrics.text(await self._ask()), headers={"Content-Type": metrics.CONTENT_TYPE})
