"""Our table in the kernel: read as a whole, changed by batches, loaded anew, and watched."""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Iterable
from dataclasses import replace
from sys import byteorder

from devices.access.gate import barrier, flows, nft, rules
from devices.access.gate.book import Book, Counts, Seen, mark_key
from devices.access.gate.netlink import Batch, Found, Netlink
from devices.access.gate.onlink import Network, Spans, spans_of
from devices.access.gate.settings import Settings

_TRIES = 3
_ALL = ("members", "idle", "up", "down", "walled4", "walled6", "free", "run")


class KernelError(Exception):
    """The kernel can't or won't. `hint` is the next step for a person."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


class Table:
    """Raises KernelError. The socket to the kernel is opened when it is first needed, and again after a failure."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._netlink: Netlink | None = None
        self._generation = -1
        """As it is when nobody but us changes anything."""
        self.isolates = False
        """The kernel keeps ports of a bridge apart by rule; else it has to be told of each port."""
        self._listed: dict[str, str] = {}
        """What our tables look like, by family."""

    def close(self) -> None:
        if self._netlink is not None:
            self._netlink.close()
            self._netlink = None

    def seen(self) -> Seen | None:
        """None: there is no table."""
        try:
            of = {name: {one.key: one for one in self._kernel().dump(rules.TABLE, name)} for name in _ALL}
        except OSError as error:
            if error.errno == errno.ENOENT:
                return None
            raise self._failed(error) from error
        return Seen(
            members=of["members"],
            idle=of["idle"],
            up=_counts(of["up"]),
            down=_counts(of["down"]),
            walled=tuple((key, one.left_ms) for name in ("walled4", "walled6") for key, one in of[name].items()),
            onlink=(self._onlink("onlink4", 4), self._onlink("onlink6", 6)),
            free=self.free_key in of["free"],
            run=next((int.from_bytes(key, byteorder) for key in of["run"]), 0),
        )

    def _onlink(self, name: str, version: int) -> Spans:
        try:
            found = self._kernel().dump(rules.TABLE, name)
        except OSError as error:
            if error.errno == errno.ENOENT:  # the table of an older gate: its members stay
                return ()
            raise self._failed(error) from error
        return spans_of(((one.key, one.end) for one in found), version)

    def counted(self, marks: Iterable[int]) -> dict[int, tuple[Counts, Counts]]:
        """Up and down, of those that have counters."""
        found = {}
        try:
            for mark in marks:
                up, down = (self._kernel().get(rules.TABLE, name, mark_key(mark)) for name in ("up", "down"))
                if up is not None and down is not None:
                    found[mark] = ((up.octets, up.packets), (down.octets, down.packets))
        except OSError as error:
            raise self._failed(error) from error
        return found

    @property
    def free_key(self) -> bytes:
        return self._settings.interface.encode().ljust(16, b"\0")

    def commit(self, batch: Batch) -> None:
        try:
            self._kernel().commit(batch)
        except OSError as error:
            raise self._failed(error) from error
        if batch:
            self._generation += 1
        flows.forget(batch.over)

    def sent(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int, mac: bytes) -> bool:
        """That phone itself opened the connection from there to the portal: not what anybody told the box's ARP."""
        key = address.packed + port.to_bytes(2, "big") + b"\0\0" + mac + b"\0\0"
        try:
            return self._kernel().get(rules.TABLE, f"sent{address.version}", key) is not None
        except OSError as error:
            raise self._failed(error) from error

    def load(self, book: Book, now_s: float, *, onlink: tuple[Network, ...], others_route: bool) -> None:
        """Rules and all members, in one transaction."""
        contents = rules.Contents(
            run=book.run,
            members=book.entries(now_s, self._settings.idle_s),
            walled=tuple(
                (str(ipaddress.ip_address(at)), round((end_s - now_s) * 1000))
                for at, end_s in book.walled.items()
                if end_s - now_s >= 0.001
            ),
            onlink=onlink,
            capture_members=book.capture_members,
            others_route=others_route,
        )
        plain = rules.text(self._settings, replace(contents, members=(), walled=()))
        apart = rules.isolation(self._settings)
        try:
            nft.check(plain)  # the members' part is ours alone and always well formed
            self.isolates = _can(apart)
            self._load_unseen(rules.text(self._settings, contents) + (apart if self.isolates else ""))
        except nft.NftError as error:
            raise KernelError(str(error), error.hint) from error
        except OSError as error:
            raise self._failed(error) from error

    def bar(self) -> bool:
        """Nothing of a guest's passes until `load`. False: that can't be had either."""
        try:
            before = self._kernel().generation()
            self._kernel().commit(barrier.batch(self._settings.interface))
        except OSError:
            self.close()
            return False
        self._generation = before + 1
        return True

    def note(self) -> None:
        """What changes from here on is somebody else's doing."""
        try:
            self._generation = self._kernel().generation()
        except OSError as error:
            raise self._failed(error) from error

    def _load_unseen(self, text: str) -> None:
        """Loads and remembers how it looks. That counts only if nobody else changed a thing meanwhile: tried again."""
        for _ in range(_TRIES):
            before = self._kernel().generation()
            nft.load(text)
            self._generation = before + 1
            self._listed = {family: nft.listing(family, rules.TABLE) for family in ("inet", "bridge")}
            if self._kernel().generation() == self._generation:
                return
        self._generation = -1
        if not self._listed["inet"]:
            raise KernelError("somebody takes our rules away again and again", "who? nft monitor")

    def untouched(self) -> bool:
        """Nobody but us changed any rule of this box since we last looked: one question to the kernel."""
        try:
            return self._kernel().generation() == self._generation
        except OSError as error:
            raise self._failed(error) from error

    def as_noted(self) -> bool:
        """The tables look as they did. Their elements are for `seen` to tell."""
        try:
            generation = self._kernel().generation()
            same = all(nft.listing(family, rules.TABLE) == text for family, text in self._listed.items())
        except OSError as error:
            raise self._failed(error) from error
        except nft.NftError as error:
            raise KernelError(str(error), error.hint) from error
        if same:
            self._generation = generation
        return same

    def _kernel(self) -> Netlink:
        if self._netlink is None:
            self._netlink = Netlink()
        return self._netlink

    def _failed(self, error: OSError) -> KernelError:
        """A socket that was used badly is not used again: answers could get mixed up."""
        self.close()
        hints = {
            errno.EPERM: "the gate needs CAP_NET_ADMIN: start it as the unit storegate-gate.service, or as root",
            errno.ENFILE: "a set of the gate is full: more guests than it is made for",
            errno.EPROTONOSUPPORT: "this kernel has no nf_tables",
        }
        return KernelError(f"the kernel: {error.strerror}", hints.get(error.errno or 0, ""))


def _can(text: str) -> bool:
    try:
        nft.check(text)
    except nft.NftError:
        return False
    return True


def _counts(of: dict[bytes, Found]) -> dict[int, tuple[int, int]]:
    return {int.from_bytes(key, byteorder): (one.octets, one.packets) for key, one in of.items()}
