"""The composition root: builds everything, top to bottom; starts in that order, stops in the reverse one.

The only file of `edge` that imports devices and the bridge. Nothing here decides anything about the shop.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import cloud_bridge.bridge
import devices.beacons.build
import devices.footfall.build
import devices.scanners.build
from cloud_bridge.asks import CloudAsks
from devices.driver import Driver
from edge import __version__, config, config_rules, guest_wifi, liveness, places, supervise
from edge import events as ev
from edge.board import Board, Problem
from edge.catalogue.desk import CatalogueDesk
from edge.clock import Clock
from edge.commands import Commands
from edge.commands.refresh import fetch
from edge.config import Config
from edge.coupon_desk import CouponDesk
from edge.documents import Documents
from edge.documents_desk import DocumentsDesk
from edge.effects import ReloadKiosk, ShowOnKiosk
from edge.errors import JournalRefusedError, Refusal, StoregateError, UsageError
from edge.ids import StationId
from edge.journal import Journal
from edge.keys import GatewayKeys
from edge.portal.office import Office
from edge.pump import Pump
from edge.sdnotify import Notifier
from edge.shake_desk import ShakeDesk
from edge.shop import Shop
from edge.status.damage import found
from edge.store import presence
from edge.web import doors, icons, proxies
from edge.web.admin.build import admin_routes
from edge.web.app import BoundListener, listen
from edge.web.guest import brand, rates, shake, wallet
from edge.web.shop import kiosk, till
from edge.web.shop.counter import Counter
from edge.web.shop.screens import Screens

log = logging.getLogger("storegate")
MIB = 1024 * 1024
GUEST_HEAD_S = 5
"""For a request's head on the guest side, where slowness is an attack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Where a gateway that is up can be reached; for the log, the demo and tests."""

    guest: BoundListener
    shop: BoundListener
    admin: BoundListener
    pump: Pump
    journal: Journal
    board: Board
    clock: Clock


class StopAskedError(Exception):
    """Raised inside the group when we were asked to end: the expected way out."""


async def run(settings: Config, *, stop: asyncio.Event, ready: Callable[[Running], None]) -> None:
    """The life of the daemon: until `stop` is set. Raises StoregateError when it can't start."""
    async with building(settings) as (running, services, drivers):
        ready(running)
        try:
            async with asyncio.TaskGroup() as group:
                for name, service in services:
                    group.create_task(service(), name=name)
                for driver in drivers:
                    group.create_task(_kept(driver, running), name=driver.name)
                group.create_task(_until(stop), name="stop")
        except* StopAskedError:
            log.info("stopping")


@asynccontextmanager
async def building(
    settings: Config,
) -> AsyncIterator[tuple[Running, list[tuple[str, Callable[[], Coroutine[None, None, None]]]], list[Driver]]]:
    """Everything that must be there before the first event, and what is to run."""
    clock = await asyncio.to_thread(Clock)
    board, notifier = Board(), Notifier()
    state = settings.state_path
    async with AsyncExitStack() as stack:
        stack.callback(notifier.close)
        await asyncio.to_thread(_make_folder, state)
        keys = await asyncio.to_thread(GatewayKeys.open, state)
        documents = await asyncio.to_thread(Documents.open, state)
        await guest_wifi.read_policy(settings, board=board, clock=clock)
        journal = await asyncio.to_thread(
            partial(
                Journal.open,
                state / "journal.sqlite",
                shop=documents.shop(settings),
                clock=clock,
                free_floor_bytes=int(settings.outbox.free_floor_mb * MIB),
            )
        )
        stack.push_async_callback(journal.close)
        pump = Pump(journal, board)
        await _first_words(pump, journal, board, clock, documents, keys)  # before anybody can change anything
        catalogue = CatalogueDesk(state / "catalogue.sqlite")
        stack.push_async_callback(catalogue.close)
        documents_desk = DocumentsDesk(documents, journal, pump, clock, settings)
        shop = partial(documents.shop, settings)
        coupons = CouponDesk(pump=pump, journal=journal, clock=clock, keys=keys, config=settings, shop=shop)
        shakes = ShakeDesk(
            pump=pump, journal=journal, clock=clock, keys=keys, config=settings, shop=shop, coupons=coupons
        )

        counter = Counter(
            config=settings,
            clock=clock,
            board=board,
            desk=catalogue,
            submit=pump.submit,
            shop=shop,
            coupon=wallet.kiosk_view(coupons),
            shake_code=shakes.kiosk_code,
            guest_url=lambda: _guest_url(settings, guest),
        )
        screens = Screens(counter)
        pump.on(ShowOnKiosk, screens.show)
        pump.on(ReloadKiosk, screens.reload)
        commands = Commands(
            submit=pump.submit,
            read=journal.read,
            clock=clock,
            version=__version__,
            put_documents=documents_desk.put,
            fetch_catalogue=partial(fetch, target=state / "catalogue.sqlite"),
            kiosks=counter.kiosks,
            reload=lambda station: screens.reload(ReloadKiosk(station=station)),
        )

        asks = CloudAsks(settings.mqtt, settings.gateway)
        wifi = await asyncio.to_thread(
            partial(
                guest_wifi.compose,
                settings,
                pump=pump,
                journal=journal,
                clock=clock,
                board=board,
                keys=keys,
                shop=shop,
                coupons=coupons,
                catalogue=catalogue,
                asks=asks,
                tell_kiosk=screens.show_wifi,
                plain_url=lambda: _guest_url(settings, guest),
            )
        )
        public = urlsplit(settings.listen.public_url).hostname
        names = tuple(filter(None, (public, settings.portal.name)))
        serve = partial(listen, language=settings.gateway.language)
        given, fronts = rates.coupons_given(), places.networks(settings.listen.proxies)
        branding = (lambda: brand.brand_of(shop().portal)) if wifi else brand.unbranded
        guest_routes = [
            *wallet.routes(
                coupons,
                keys=keys,
                clock=clock,
                settings=settings.coupons,
                given=given,
                shakes=lambda: bool(shop().pages),
                home=wifi is None,
                brand=branding,
            ),
            *shake.routes(shakes, keys=keys, clock=clock, settings=settings, given=given, brand=branding),
            *icons.routes(icons.Icons.of(settings)),
            *(wifi.routes if wifi else ()),
        ]
        guest: BoundListener = await stack.enter_async_context(
            serve(
                "guest",
                settings.listen.guest,
                guest_routes,
                host_names=None,
                change_names=names,
                proxies=fronts,
                first=[proxies.client_of(fronts, partial(_tell_proxy, board, clock)), *([wifi.first] if wifi else ())],
                head_s=GUEST_HEAD_S,
                tls=wifi.tls.context if wifi and wifi.tls else None,
                tls_port=settings.gate.tls_port,
                without_tls=partial(guest_wifi.without_tls, board, clock),
                early=wifi is not None,
            )
        )
        shop_routes = [*kiosk.routes(counter), *screens.routes(), *till.routes(coupons, settings.stations)]
        shop_plane = await stack.enter_async_context(serve("shop", settings.listen.shop, shop_routes, host_names=names))
        stack.push_async_callback(screens.close)
        admin_all = admin_routes(
            settings,
            board=board,
            journal=journal,
            clock=clock,
            pump=pump,
            catalogue=catalogue,
            documents=documents_desk,
            coupons=coupons,
            shakes=shakes,
            office=Office(pump=pump, journal=journal, clock=clock, keys=keys) if wifi else None,
        )
        admin_plane = await stack.enter_async_context(
            serve("admin", settings.listen.admin, admin_all, host_names=names, max_body=8 * MIB)  # a set of documents
        )

        running = Running(
            guest=guest, shop=shop_plane, admin=admin_plane, pump=pump, journal=journal, board=board, clock=clock
        )
        services = list(_services(settings, running, commands=commands, notifier=notifier, asks=asks))
        rotation = keys.beacon_key("rotation")
        drivers = await asyncio.to_thread(  # reads profiles
            lambda: list(_drivers(settings, running, screens, shop=shop, rotation_key=rotation))
        )
        if wifi is not None:
            drivers += wifi.drivers
            services += [(name, partial(_kept_service, name, service, running)) for name, service in wifi.services]
        stack.callback(notifier.stopping)
        notifier.ready(f"kiosk {shop_plane.url}, status page {admin_plane.url}")
        yield running, services, drivers


def _tell_proxy(board: Board, clock: Clock, problem: str) -> None:
    log.warning("%s. Next: %s", problem, proxies.HINT)
    board.tell(Problem(at=clock.now(), where="guest pages", text=problem, hint=proxies.HINT))


def _guest_url(settings: Config, guest: BoundListener) -> str:
    """How a phone reaches the guest pages; empty: not known, for on every address is on none in particular."""
    anywhere = settings.listen.guest.host in config_rules.ANY_HOST
    return settings.listen.public_url or ("" if anywhere else guest.url)


def _services(
    settings: Config, running: Running, *, commands: Commands, notifier: Notifier, asks: CloudAsks
) -> Iterator[tuple[str, Callable[[], Coroutine[None, None, None]]]]:
    """The root tasks beside the drivers. A name is owner and job."""
    bridge = partial(
        cloud_bridge.bridge.run,
        journal=running.journal,
        board=running.board,
        clock=running.clock,
        config=settings.mqtt,
        gateway=settings.gateway,
        answer=commands.answer,
        asks=asks,
    )
    problem = partial(liveness.problem, running.board, running.journal)
    services: dict[str, Callable[[], Coroutine[None, None, None]]] = {
        "bridge to the cloud": bridge,
        "ticker": partial(liveness.tick, running.pump.submit, running.clock),
        "loop watch": partial(liveness.measure_lag, running.board),
        "watchdog": partial(notifier.beat, problem),
    }
    for name, service in services.items():
        yield name, partial(_kept_service, name, service, running)


def _drivers(
    settings: Config, running: Running, screens: Screens, *, shop: Callable[[], Shop], rotation_key: bytes
) -> Iterator[Driver]:
    """Raises MissingExtraError or ProfileError before anything runs: store IT reads it at once."""
    clock = running.clock
    for scanner in settings.scanners:
        profile = devices.scanners.build.profile_of(scanner)
        refused = partial(_scan_refused, running, screens, scanner.id)
        yield devices.scanners.build.scanner(scanner, profile, settings.codes, clock, refused=refused)
    for section in settings.footfall:
        yield devices.footfall.build.counter(section, clock)
    yield from devices.beacons.build.drivers(
        settings,
        clock=clock,
        board=running.board,
        shop=shop,
        rotation_key=rotation_key,
        open_problems=partial(running.journal.read, presence.open_problems),
    )


async def _scan_refused(
    running: Running, screens: Screens, scanner: str, station: StationId | None, code: ev.Code, reason: Refusal
) -> None:
    """Told to who keeps the gateway, and to who stands at the station."""
    text = f"a scan{f' at {station}' if station else ''} was not recorded: {reason}"
    problem = Problem(
        at=running.clock.now(),
        where=f"scanner {scanner}",
        text=text,
        hint="see the outbox",
        code="scan_unrecorded_at" if station else "scan_unrecorded",
        fields={"station": station or "", "refusal": reason.value},
    )
    running.board.tell(problem)
    if station is not None:
        await screens.show_unrecorded(station, code)


async def _kept(driver: Driver, running: Running) -> None:
    await _kept_service(driver.name, partial(driver.run, running.pump.submit), running)


async def _kept_service(name: str, service: Callable[[], Coroutine[None, None, None]], running: Running) -> None:
    await supervise.keep(name, service, running.board, on_fail=partial(_tell_failure, running))


async def _first_words(
    pump: Pump, journal: Journal, board: Board, clock: Clock, documents: Documents, keys: GatewayKeys
) -> None:
    """What a person and the cloud should know of this start. A full disk must not keep the shop shut."""
    told = board.damages
    async for damage in found(journal, documents, keys):
        log.warning("%s. Next: %s", damage.text, damage.hint)
        told[damage.code] = "; ".join(filter(None, (told.get(damage.code), damage.text)))
        problem = Problem(
            at=clock.now(),
            where=damage.where,
            text=damage.text,
            hint=damage.hint,
            code=damage.code,
            fields={"problem": damage.text},
        )
        board.tell(problem)
    try:
        await pump.submit(ev.GatewayStarted(at=clock.now(), version=__version__))
    except JournalRefusedError as error:
        code = f"refusing_{error.reason.value}"
        board.tell(Problem(at=clock.now(), where="journal", text=str(error), hint=error.hint, code=code))


async def _tell_failure(running: Running, name: str, problem: str, retry_in_s: float) -> None:
    at = running.clock.now()
    hint, fields = running.board.service(name).hint, {"problem": problem}
    running.board.tell(Problem(at=at, where=name, text=problem, hint=hint, code="service_failed", fields=fields))
    await running.pump.submit(ev.ServiceFailed(at=at, service=name, problem=problem[:200], retry_in_s=retry_in_s))


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
    raise StopAskedError


def _make_folder(state: Path) -> None:
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        hint = "gateway.state_dir must be a folder that the daemon may write"
        raise UsageError(f"can't use the state folder {state}: {error.strerror}", hint=hint) from error


def main(argv: list[str]) -> None:
    """`storegate run`. Exit codes: 0 asked to stop, 1 failed, 2 wrong configuration."""
    began = time.monotonic()
    parser = argparse.ArgumentParser(prog="storegate run", description="Run the gateway until SIGTERM or Ctrl-C.")
    parser.add_argument("--config", type=Path, help="gateway.toml; else $STOREGATE_CONFIG")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        settings = config.load(config.find(arguments.config))
        asyncio.run(_until_signalled(settings, began))
    except StoregateError as error:
        sys.stderr.write(f"error: {error}\n" + (f"next: {error.hint}\n" if error.hint else ""))
        raise SystemExit(error.exit_code) from None


async def _until_signalled(settings: Config, began: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    doors.prepare(loop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def ready(running: Running) -> None:
        took_s = time.monotonic() - began
        log.info("ready in %.2f s: kiosk and till %s", took_s, running.shop.url)
        log.info("guest pages %s, status page %s", running.guest.url, running.admin.url)

    await run(settings, stop=stop, ready=ready)
