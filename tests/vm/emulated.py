"""An adapter of the kernel whose radio is in the emulator's air: BlueZ hears and connects to emulated beacons."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bumble import hci
from bumble.controller import Controller
from bumble.transport import open_transport

from devices.beacons.emulator.virtual import Air
from tests.vm.air import ADAPTERS, powered_on
from tests.vm.hearing import soon

REPORT = hci.HCI_LE_Advertising_Report_Event
OWN = "00:AA:01:00:00:00"


class VirtualController(Controller):
    """bumble's, as BlueZ expects one: Bluetooth 4.1, each PDU reported once and as strong as it is, one address."""

    le_features = Controller.le_features & ~(hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LL_PRIVACY)
    air: Air

    @property
    def random_address(self) -> hci.Address:
        """BlueZ scans under another address each time, and connects under its own: bumble would mix them up."""
        return self.public_address

    @random_address.setter
    def random_address(self, address: hci.Address) -> None:
        pass

    def on_advertising_pdu(self, pdu: Any) -> None:
        if self.le_scan_enable:
            sender = pdu.advertiser_address
            rssi_dbm = self.air.strengths.get(str(sender).partition("/")[0], -60)
            for kind, data in ((REPORT.EventType.ADV_IND, pdu.data), (REPORT.EventType.SCAN_RSP, b"")):
                one = REPORT.Report(
                    event_type=kind, address_type=sender.address_type, address=sender, data=data, rssi=rssi_dbm
                )
                self.send_hci_packet(REPORT([one]))
        scanning, self.le_scan_enable = self.le_scan_enable, False  # what follows there is about connections
        super().on_advertising_pdu(pdu)
        self.le_scan_enable = scanning


@asynccontextmanager
async def adapter(air: Air) -> AsyncIterator[str]:
    """Its name, once BlueZ has it switched on."""
    await asyncio.to_thread(subprocess.run, ["modprobe", "hci_vhci"], check=True)
    before = set(ADAPTERS.iterdir()) if ADAPTERS.exists() else set()
    async with await open_transport("vhci") as port:
        own = hci.Address(OWN, hci.Address.PUBLIC_DEVICE_ADDRESS)
        controller = VirtualController("kernel", port.source, port.sink, air.link, public_address=own)
        controller.air = air
        await soon(lambda: bool(set(ADAPTERS.iterdir()) - before), "an adapter of the kernel")
        name = (set(ADAPTERS.iterdir()) - before).pop().name
        await asyncio.to_thread(subprocess.run, ["systemctl", "start", "bluetooth"], check=True)
        await asyncio.to_thread(powered_on, name)
        yield name
        air.link.remove_controller(controller)
