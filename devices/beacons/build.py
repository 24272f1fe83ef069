"""The drivers that the radios of gateway.toml ask for. Bluetooth's libraries are imported only when there are any."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from devices.driver import Driver
from edge.board import Board
from edge.clock import Clock
from edge.config import Config
from edge.shop import Shop

if TYPE_CHECKING:
    from devices.beacons.presence.watch import OpenProblems


def drivers(
    config: Config,
    *,
    clock: Clock,
    board: Board,
    shop: Callable[[], Shop],
    rotation_key: bytes,
    open_problems: OpenProblems | None = None,
) -> list[Driver]:
    """The watch, then for each radio who listens and who sends. Raises MissingExtraError.

    `open_problems`: those of beacons that were told before this start and are not over.
    """
    if not config.radios:
        return []
    from devices.beacons.presence.watch import Watch  # noqa: PLC0415
    from devices.beacons.radios.broadcaster import Broadcaster  # noqa: PLC0415
    from devices.beacons.radios.listener import Listener  # noqa: PLC0415
    from devices.beacons.radios.turns import Turns  # noqa: PLC0415

    watch = Watch(config, clock, board, shop, rotation_key, open_problems=open_problems)
    found: list[Driver] = [watch]
    for radio in config.radios:
        if radio.scan != "off":
            turns = Turns(config.state_path, radio.adapter)
            found.append(Listener(radio, clock=clock, board=board, watch=watch, turns=turns))
    senders = [radio for radio in config.radios if radio.advertise]
    sends = partial(
        Broadcaster,
        first=senders[0].adapter if senders else "",
        rotate_s=config.beacons.rotate_s,
        rotation_key=rotation_key,
        clock=clock,
        board=board,
        shop=shop,
    )
    found.extend(sends(radio) for radio in senders)
    return found
