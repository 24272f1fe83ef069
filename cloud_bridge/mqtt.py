"""MQTT 5, and the one file that imports aiomqtt and paho.

A `Link` is one connection: it ends when the connection does, and the next one starts from nothing. So neither library
keeps a queue for us: what was not acknowledged is read from the journal again. Three things both libraries leave to
their caller are done here: the broker's limits are read from the CONNACK, a PUBACK's reason is looked at, and a message
is acknowledged only once its receiver says so.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

import aiomqtt
from paho.mqtt.client import MQTT_ERR_SUCCESS, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.client import Client as Paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from cloud_bridge import reasons
from cloud_bridge.endpoint import Endpoint, Granted, Incoming, Said, tls_context
from cloud_bridge.inflow import Inflow, or_gone
from edge.errors import CloudError

CONNECT_S = 10.0
"""For the TCP and TLS handshakes, and again for the CONNACK: a satellite line needs about 3 s."""
GOODBYE_S = 2.0
"""To say DISCONNECT when we are asked to stop; systemd waits longer than that."""
MAX_WINDOW = 65_535
DEAD_LINE = "the line is dead, or the broker hangs; it will be tried again"


class Link:
    """One connection to a broker."""

    def __init__(self, client: _Client, granted: Granted) -> None:
        self._client = client
        self.granted = granted

    def publish(
        self,
        said: Said,
        *,
        content_type: str = "",
        encoding: str = "",
        correlation: bytes = b"",
        retain: bool = False,
    ) -> asyncio.Future[int]:
        """QoS 1; resolves to the PUBACK's reason code. Raises CloudError when the connection is gone."""
        properties = _properties(PacketTypes.PUBLISH)
        if content_type:
            properties.ContentType = content_type
        if encoding:
            properties.UserProperty = ("content-encoding", encoding)
        if correlation:
            properties.CorrelationData = correlation
        return self._client.send(said, properties=properties, retain=retain)

    async def tell(self, said: Said, *, doing: str, retain: bool = False, correlation: bytes = b"") -> None:
        """Publishes JSON and waits for the PUBACK. Raises CloudError when refused."""
        code = await self.publish(said, content_type="application/json", retain=retain, correlation=correlation)
        if code >= reasons.FAILURE:
            raise reasons.refused(code, doing=doing)

    def request(self, said: Said, *, answers: str, correlation: bytes, expiry_s: int) -> None:
        """JSON that is answered on the topic `answers`, or not at all. Raises CloudError when the connection is gone.

        QoS 0: what it asks for may cost money, so it is asked at most once; and it takes no room in the window.
        """
        properties = _properties(PacketTypes.PUBLISH)
        properties.ContentType = "application/json"
        properties.ResponseTopic = answers
        properties.CorrelationData = correlation
        properties.MessageExpiryInterval = expiry_s
        self._client.send_once(said, properties=properties)

    async def farewell(self, said: Said) -> None:
        """A last retained message and a DISCONNECT, which takes the will away, if the line still carries them."""
        with suppress(CloudError, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await self.publish(said, content_type="application/json", retain=True)
            await self._client.goodbye()

    @property
    def alive(self) -> bool:
        return not self._client.gone.done()

    async def subscribe(self, topics: Iterable[str], *, retained: bool = True) -> None:
        """QoS 1. `retained`: whether the broker's retained messages are wanted. Raises CloudError when refused."""
        handling = SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE if retained else SubscribeOptions.RETAIN_DO_NOT_SEND
        wanted = [(topic, SubscribeOptions(qos=1, retainHandling=handling)) for topic in topics]
        try:
            codes: Iterable[int | ReasonCode] = await or_gone(self._client.subscribe(wanted), self._client.gone)
        except aiomqtt.MqttError as error:
            raise self._client.why_lost() from error
        for (topic, _), code in zip(wanted, codes, strict=True):
            value = code.value if isinstance(code, ReasonCode) else code
            if value >= reasons.FAILURE:
                raise reasons.refused(value, doing=f"subscribe to {topic}")

    async def receive(self) -> Incoming:
        """The next message. Raises CloudError when the connection ends."""
        return await self._client.inbox.get()

    def receive_now(self) -> Incoming | None:
        """The next message if it is already here."""
        return self._client.inbox.get_now()

    def ack(self, message: Incoming) -> None:
        """Tells the broker that the message need not come again."""
        self._client.confirm(message)

    async def ended(self) -> None:
        """Waits until the connection is lost; raises CloudError that says why."""
        await asyncio.shield(self._client.gone)

    @property
    def unanswered_s(self) -> float:
        """Age of the oldest PUBLISH without PUBACK, seconds; 0 when there is none."""
        return self._client.unanswered_s()


@asynccontextmanager
async def connect(endpoint: Endpoint) -> AsyncIterator[Link]:
    """Connects, and disconnects at the end. Raises CloudError with the cause in words."""
    context = await asyncio.to_thread(tls_context, endpoint) if endpoint.tls else None
    client = _Client(endpoint, context)
    try:
        granted = await client.open()
        yield Link(client, granted)
        await client.goodbye()
    finally:
        client.drop()


class _LastWords(logging.Handler):
    """Keeps what paho logs of a failing socket: the only place where a TLS alert of the broker shows up."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()


class _Client(aiomqtt.Client):
    """aiomqtt with the callbacks that it keeps to itself."""

    def __init__(self, endpoint: Endpoint, context: ssl.SSLContext | None) -> None:
        self._endpoint = endpoint
        self._words = _LastWords()
        log = logging.Logger("storegate.mqtt")  # noqa: LOG001 - private to this connection, never shown
        log.addHandler(self._words)
        will = endpoint.will
        user_timeout = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, endpoint.keepalive_s * 2000)
        super().__init__(
            endpoint.host,
            endpoint.port,
            username=endpoint.username or None,
            password=endpoint.password.reveal() or None,
            identifier=endpoint.client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            will=aiomqtt.Will(will.topic, will.payload, qos=1, retain=True) if will else None,
            keepalive=endpoint.keepalive_s,
            clean_start=endpoint.clean_start,
            max_inflight_messages=0,  # no window of its own: `Delivery` has one, made of the broker's limits
            max_queued_outgoing_messages=0,
            properties=_connect_properties(endpoint),
            tls_context=context,
            timeout=CONNECT_S,
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), user_timeout),
            logger=log,
        )
        self._client.connect_timeout = CONNECT_S
        self._client.manual_ack_set(on=True)
        self._read_puback = self._client._handle_pubackcomp  # noqa: SLF001
        self._client._handle_pubackcomp = self._puback_of_any_reason  # type: ignore[method-assign]  # noqa: SLF001
        self._granted: Granted | None = None
        self._dropped = False
        self._puback: dict[int, tuple[asyncio.Future[int], float]] = {}
        self._hung_up: CloudError | None = None
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self.inbox = Inflow(self.gone)

    async def open(self) -> Granted:
        try:
            await self.__aenter__()
        except aiomqtt.exceptions.MqttConnectError as error:
            code = error.rc.value if isinstance(error.rc, ReasonCode) else 0x80
            raise reasons.refused(code, doing="connect") from error
        except aiomqtt.MqttError as error:
            if self._hung_up is not None:
                raise self._hung_up from error
            cause = error.__context__ if isinstance(error.__context__, OSError) else TimeoutError()
            raise reasons.unreachable(cause, address=self._endpoint.address) from error
        if self._granted is None:
            raise CloudError("the broker answered without a CONNACK")
        return self._granted

    async def goodbye(self) -> None:
        """DISCONNECT, so that the broker does not publish the will."""
        with suppress(aiomqtt.MqttError, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await self.__aexit__(None, None, None)

    def drop(self) -> None:
        """Frees the socket whatever state it is in; harmless after a goodbye."""
        self._dropped = True
        self._client._sock_close()  # noqa: SLF001 - DISCONNECT would wait behind what a dead peer never reads
        if self._misc_task is not None:
            self._misc_task.cancel()
        self._lose(CloudError("disconnected"))

    def send(self, said: Said, *, properties: Properties, retain: bool) -> asyncio.Future[int]:
        info = self._client.publish(said.topic, said.payload, 1, retain, properties)
        if info.rc != MQTT_ERR_SUCCESS:
            raise self.why_lost()
        answer: asyncio.Future[int] = self._loop.create_future()
        self._puback[info.mid] = (answer, self._loop.time())
        return answer

    def send_once(self, said: Said, *, properties: Properties) -> None:
        if self._client.publish(said.topic, said.payload, 0, retain=False, properties=properties).rc:
            raise self.why_lost()

    def confirm(self, message: Incoming) -> None:
        self._client.ack(message.number, message.qos)

    def unanswered_s(self) -> float:
        oldest = next(iter(self._puback.values()), None)
        return self._loop.time() - oldest[1] if oldest else 0.0

    def why_lost(self) -> CloudError:
        return self._hung_up or CloudError("the connection to the broker is lost", hint="it will be tried again")

    def _lose(self, why: CloudError) -> None:
        if self._hung_up is None:
            self._hung_up = why
        if not self.gone.done():
            self.gone.set_exception(self._hung_up)
            self.gone.exception()  # marks it as seen: nobody need wait for it
        for answer, _ in self._puback.values():
            if not answer.done():
                answer.set_exception(self._hung_up)
                answer.exception()
        self._puback.clear()

    def _on_connect(
        self,
        client: Paho,
        userdata: Any,
        flags: ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self._granted = Granted(
            receive_maximum=getattr(properties, "ReceiveMaximum", MAX_WINDOW),
            packet_bytes=getattr(properties, "MaximumPacketSize", None),
            keepalive_s=getattr(properties, "ServerKeepAlive", self._endpoint.keepalive_s),
            session_present=flags.session_present,
        )
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(
        self,
        client: Paho,
        userdata: Any,
        flags: DisconnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self._lose(self._cause(flags, reason_code))
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError("hung up"))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)
        if self._disconnected.done():
            self._disconnected.exception()  # marks it as seen: `gone` tells why

    def _cause(self, flags: DisconnectFlags, reason: ReasonCode) -> CloudError:
        if flags.is_disconnect_packet_from_server and reason.value:
            return reasons.refused(reason.value, doing="stay connected")
        if not self._connected.done():
            return reasons.lost(self._words.text.rpartition("socket: ")[2], tls=self._endpoint.tls)
        if reason.getName() == "Keep alive timeout":
            return CloudError("the broker does not answer pings", hint=DEAD_LINE)
        return CloudError("the broker closed the connection", hint="it will be tried again")

    def _on_socket_open(self, client: Paho, _userdata: Any, sock: Any) -> None:
        """On the thread that connects; we may have been dropped meanwhile, and a number may be another socket's."""

        def read() -> None:
            try:
                client.loop_read()
                while client.socket() is not None and getattr(sock, "pending", int)():
                    client.loop_read()  # TLS has decoded more than the kernel tells of
            except Exception as error:  # noqa: BLE001 - whatever paho stumbles over, this connection is over
                self._lose(CloudError(f"the connection to the broker broke: {error}"))

        def attach() -> None:
            if self._dropped:
                sock.close()
            elif sock.fileno() >= 0:
                self._loop.add_reader(sock.fileno(), read)
                self._misc_task = self._loop.create_task(self._misc_loop())

        self._loop.call_soon_threadsafe(attach)

    def _on_socket_register_write(self, client: Paho, _userdata: Any, sock: Any) -> None:
        def write() -> None:
            try:
                client.loop_write()
            except Exception as error:  # noqa: BLE001 - as above
                self._lose(CloudError(f"the connection to the broker broke: {error}"))

        def attach() -> None:
            if not self._dropped and sock.fileno() >= 0 and client.want_write():
                self._loop.add_writer(sock.fileno(), write)

        self._loop.call_soon_threadsafe(attach)

    def _on_publish(
        self, _client: Paho, _userdata: Any, mid: int, reason_code: ReasonCode, _properties: Properties
    ) -> None:
        self._answered(mid, reason_code.value)

    def _answered(self, mid: int, code: int) -> None:
        answer, _ = self._puback.pop(mid, (None, 0.0))
        if answer is not None and not answer.done():
            answer.set_result(code)

    def _puback_of_any_reason(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        """The standard has no 0x95 for a PUBACK, but mosquitto 2.0 says it there, and paho would hang up."""
        packet = self._client._in_packet["packet"]  # noqa: SLF001
        if cmd == "PUBACK" and len(packet) > 2 and packet[2] == reasons.PACKET_TOO_LARGE:
            mid = int.from_bytes(packet[:2], "big")
            self._client._out_messages.pop(mid, None)  # noqa: SLF001
            self._answered(mid, packet[2])
            return MQTT_ERR_SUCCESS
        return self._read_puback(cmd)

    def _on_message(self, _client: Paho, _userdata: Any, message: MQTTMessage) -> None:
        self.inbox.put(_incoming(message))


def _properties(kind: int) -> Properties:
    return Properties(kind)  # type: ignore[no-untyped-call]  # paho's own type has no annotations


def _connect_properties(endpoint: Endpoint) -> Properties:
    properties = _properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = endpoint.session_s
    properties.ReceiveMaximum = endpoint.receive_maximum
    properties.MaximumPacketSize = endpoint.max_packet_bytes
    return properties


def _incoming(message: MQTTMessage) -> Incoming:
    """Properties by name: paho sets only those that came."""
    said = message.properties
    pairs = dict(getattr(said, "UserProperty", ()))
    return Incoming(
        topic=message.topic,
        payload=bytes(message.payload),
        number=message.mid,
        qos=message.qos,
        content_type=getattr(said, "ContentType", ""),
        encoding=pairs.get("content-encoding", ""),
        response_topic=getattr(said, "ResponseTopic", ""),
        correlation=bytes(getattr(said, "CorrelationData", b"")),
        expires_in_s=getattr(said, "MessageExpiryInterval", None),
    )
