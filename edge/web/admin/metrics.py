"""The status in Prometheus' text format, names with `storegate_` in front. Made anew at each scrape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from edge.board import State
from edge.clock import ClockState
from edge.errors import Refusal
from edge.status.gather import Status

K = TypeVar("K", bound=tuple[str, ...])

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def text(status: Status) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(status))
    return generate_latest(registry)


class _Once(Collector):
    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        now = self._status
        yield _labelled("build_info", "Version that runs", {(now.version,): 1}, ("version",))
        yield _gauge("up_seconds", "Since the daemon started", now.up_s)
        yield from _journal(now)
        yield from _broker(now)
        yield from _machine(now)
        yield from _parts(now)
        yield from _air(now)
        yield from _wifi(now)


def _journal(now: Status) -> Iterator[Metric]:
    box = now.outbox
    yield _labelled("outbox_depth", "Events that wait for the cloud", _keys(box.depth), ("class",))
    yield _gauge("outbox_bytes", "Bytes of them", box.bytes)
    yield _gauge("outbox_max_bytes", "Bytes they may have", box.max_bytes)
    yield _gauge("outbox_oldest_age_seconds", "Age of the oldest", box.oldest_age_s or 0.0)
    lost = {tuple(name.partition(" ")[::2]): count for name, count in box.lost.items()}
    yield _labelled("lost_total", "Events that left the outbox unsent", lost, ("class", "reason"), counter=True)
    yield _gauge("commit_seconds", "The last commit took", box.commit_ms / 1000)
    yield _counter("commits_total", "Commits since the start", box.commits)
    yield _counter("events_total", "Events committed since the start", box.events)
    yield _gauge("last_sequence", "Newest sequence number", box.last_seq)
    refusing = {(reason.value,): int(box.refusing is reason) for reason in Refusal}
    yield _labelled("journal_refusing", "1: events are refused for this reason", refusing, ("reason",))


def _broker(now: Status) -> Iterator[Metric]:
    broker = now.broker
    yield _gauge("broker_connected", "1: connected", int(broker.connected))
    yield _gauge("pub_inflight", "PUBLISHes without their PUBACK", broker.inflight)
    yield _gauge("puback_seconds", "The last PUBACK took", broker.puback_ms / 1000)
    yield _counter("published_total", "Events acknowledged since the start", broker.published)
    yield _counter("reconnects_total", "Attempts to connect after the first", broker.reconnects)


def _machine(now: Status) -> Iterator[Metric]:
    states = {(state.value,): int(now.at.state is state) for state in ClockState}
    yield _labelled("clock_state", "1: the clock is", states, ("state",))
    yield _gauge("loop_lag_seconds", "How late the event loop wakes", now.loop_lag_s)
    if now.disk.free_bytes is not None:
        yield _gauge("disk_free_bytes", "Free where the journal is", now.disk.free_bytes)
    if now.catalogue.products is not None:
        yield _gauge("catalogue_products", "Products that kiosks find", now.catalogue.products)
        yield _gauge("catalogue_age_seconds", "Age of the newest prices", now.catalogue.priced_age_s or 0.0)


def _parts(now: Status) -> Iterator[Metric]:
    up = {(service.name,): int(service.state is State.UP) for service in now.services}
    yield _labelled("service_up", "1: runs", up, ("service",))
    restarts = {(service.name,): service.restarts for service in now.services}
    yield _labelled("service_restarts_total", "Starts after the first", restarts, ("service",), counter=True)
    devices = {(device.id, device.kind): int(device.state is State.UP) for device in now.devices}
    yield _labelled("device_up", "1: there", devices, ("device", "kind"))
    seen = {(kiosk.station,): kiosk.seen_s_ago for kiosk in now.kiosks if kiosk.seen_s_ago is not None}
    yield _labelled("kiosk_heartbeat_age_seconds", "Since its page was heard of", seen, ("station",))
    for name, help_text, values in (
        ("occupancy", "People inside", {(day.zone,): day.people for day in now.footfall}),
        ("entered_today", "People in since the reset", {(day.zone,): day.entered for day in now.footfall}),
        ("exited_today", "People out since the reset", {(day.zone,): day.exited for day in now.footfall}),
    ):
        yield _labelled(name, help_text, values, ("zone",))


def _air(now: Status) -> Iterator[Metric]:
    radios = now.radios
    for name, help_text, values in (
        (
            "radio_up",
            "1: listens or sends as it should",
            {(each.adapter,): int(each.state is State.UP) for each in radios},
        ),
        ("radio_adverts_per_second", "Advertisements heard", {(each.adapter,): each.adverts_per_s for each in radios}),
        (
            "radio_coverage",
            "Share of the last minutes it really listened",
            {(each.adapter,): each.coverage for each in radios if each.coverage is not None},
        ),
        ("radio_sends", "Own beacons on the air", {(each.adapter,): each.sends for each in radios}),
        ("radio_wanted", "Own beacons that should be", {(each.adapter,): each.wanted for each in radios}),
        (
            "radio_dedup_suspected",
            "1: duplicates are dropped",
            {(each.adapter,): int(each.dedup_suspected) for each in radios},
        ),
    ):
        yield _labelled(name, help_text, values, ("radio",))
    steps = {(each.adapter,): each.steps for each in radios}
    yield _labelled("radio_recovery_steps_total", "Steps to make it listen again", steps, ("radio",), counter=True)
    seen = {(each.id,): each.seen_s_ago for each in now.beacons if each.seen_s_ago is not None}
    yield _labelled("beacon_seen_age_seconds", "Since it was heard", seen, ("beacon",))
    battery = {(each.id,): each.battery_percent for each in now.beacons if each.battery_percent is not None}
    yield _labelled("beacon_battery_percent", "As it says", battery, ("beacon",))
    wrong = {(each.id, problem): 1 for each in now.beacons for problem in each.problems}
    yield _labelled("beacon_problem", "1: it has this problem", wrong, ("beacon", "problem"))
    yield _gauge("beacons", "Documents of beacons that are shown", len(now.beacons))
    shakes = {tuple(f"{name} ".split(" ")[:2]): count for name, count in now.shakes.items()}
    yield _labelled("shakes_total", "Shakes answered since the start", shakes, ("outcome", "why"), counter=True)


def _wifi(now: Status) -> Iterator[Metric]:
    wifi = now.wifi
    if wifi is None:
        return
    yield _gauge("wifi_gate_up", "1: guests who prove a way in are let through", int(wifi.gate is State.UP))
    yield _counter("wifi_gate_repairs_total", "Times its rules were changed and put back", wifi.repairs)
    yield _gauge("wifi_guests", "Guests let through now", wifi.members)
    yield _gauge("wifi_guests_max", "As many as there is room for", wifi.most_guests)
    yield _gauge("wifi_waiting", "Phones on the network that are not let in", wifi.waiting)
    if wifi.uplink is not None:
        yield _gauge("wifi_uplink_up", "1: the internet answers", int(wifi.uplink))
    yield _counter("wifi_dns_answered_total", "Captive DNS: questions answered", wifi.dns_answered)
    yield _counter("wifi_dns_refused_total", "Captive DNS: tunnels, other types, too many", wifi.dns_refused)
    if wifi.tls_days_left is not None:
        yield _gauge("wifi_certificate_days", "The portal's certificate lasts so long", wifi.tls_days_left)
    if wifi.tls_name:
        good = wifi.tls_days_left is not None and wifi.tls_days_left > 0
        yield _gauge("wifi_certificate_good", "1: the portal is served over TLS", int(good))
    yield _labelled("wifi_admitted_today", "Guests let in since midnight", _keys(wifi.admitted), ("way",))
    yield _labelled("wifi_refused_total", "Refused since the start", _keys(wifi.refused), ("why",), counter=True)


def _keys(values: Mapping[str, int]) -> dict[tuple[str, ...], int]:
    return {(name,): value for name, value in values.items()}


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"storegate_{name}", about, value=value)


def _counter(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(f"storegate_{name}", about, value=value)


def _labelled(
    name: str,
    about: str,
    values: Mapping[K, float],
    labels: tuple[str, ...],
    *,
    counter: bool = False,
) -> Metric:
    kind = CounterMetricFamily if counter else GaugeMetricFamily
    family = kind(f"storegate_{name}", about, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
