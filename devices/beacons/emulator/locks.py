"""How an emulated beacon lets somebody in, after the vendors' documents."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from devices.beacons.emulator.sham import Code, Refused
from devices.beacons.profile import Unlock

TRIES = 3
CHALLENGE = bytes.fromhex("00112233445566778899aabbccddeeff")


class Lock:
    """State of one beacon's lock. `open` is of this connection."""

    def __init__(self, unlock: Unlock, secret: str) -> None:
        self._unlock = unlock
        self.key = self._spelled(secret or unlock.default)
        self.wrong = 0
        self.asked = 0
        """Challenges given out: each is another one."""
        self.open = False
        self.connected()

    @property
    def hides(self) -> bool:
        """Nothing can be read while it is closed: Eddystone says so."""
        return self._unlock.scheme == "aes-ecb-challenge"

    def connected(self) -> None:
        self.open = self._unlock.scheme in {"none", "button", "pin-on-commit"} or not self.key.strip(b"\0")

    def knows(self, uuid: str) -> bool:
        return uuid in {self._unlock.characteristic, self._unlock.state, self._unlock.change}

    def read(self, uuid: str) -> bytes:
        if uuid == self._unlock.state:
            states = self._unlock.unlocked if self.open else self._unlock.locked
            if self.wrong >= TRIES and self._unlock.blocked:
                states = self._unlock.blocked
            return bytes([states[0] if states else 0])
        if uuid == self._unlock.characteristic and self._unlock.scheme == "aes-ecb-challenge" and not self.open:
            self.asked += 1
            return self._challenge()
        raise Refused(Code.READ_NOT_PERMITTED)

    def write(self, uuid: str, data: bytes) -> None:
        if uuid == self._unlock.change and self.open:
            self._change(data)
        elif uuid == self._unlock.characteristic:
            self._try(data)
        else:
            raise Refused

    def changed(self, data: bytes) -> bool:
        """RadBeacon: 02, the old PIN, the new one, in one write."""
        before, _, rest = self._unlock.change_data.partition("{secret}")
        after = rest.partition("{new}")[0]
        start = bytes.fromhex(before) + self.key + bytes.fromhex(after)
        if not self._unlock.change_data or not data.startswith(start) or len(data) != len(start) + len(self.key):
            return False
        self.key = data[len(start) :]
        return True

    def _challenge(self) -> bytes:
        return CHALLENGE[:-1] + bytes([self.asked & 0xFF])

    def _try(self, data: bytes) -> None:
        wanted = self.key
        if self._unlock.scheme == "aes-ecb-challenge":
            cipher = Cipher(algorithms.AES128(self.key), modes.ECB())  # noqa: S305 - so says the specification
            encryptor = cipher.encryptor()
            wanted = encryptor.update(self._challenge()) + encryptor.finalize()
        if self.wrong >= TRIES and self._unlock.blocked:
            raise Refused
        if data == wanted:
            self.open, self.wrong = True, 0
            self.key = b"" if self._unlock.single_use else self.key
        else:
            self.wrong += 1
            raise Refused

    def _change(self, data: bytes) -> None:
        if self._unlock.scheme == "aes-ecb-challenge":
            if data == b"\0":
                self.open = False
                return
            if len(data) != 17 or data[0]:
                raise Refused(Code.WRONG_LENGTH)
            cipher = Cipher(algorithms.AES128(self.key), modes.ECB())  # noqa: S305 - so says the specification
            decryptor = cipher.decryptor()
            self.key = decryptor.update(data[1:]) + decryptor.finalize()
            self.open = False
            return
        if not self._unlock.min_bytes <= len(data) <= self._unlock.max_bytes:
            raise Refused(Code.WRONG_LENGTH)
        self.key = data
        self.open = not self._unlock.relocks

    def _spelled(self, secret: str) -> bytes:
        unlock = self._unlock
        if unlock.encoding == "hex":
            raw = bytes.fromhex(secret)
        elif unlock.encoding == "uint":
            raw = int(secret or 0).to_bytes(unlock.max_bytes, "big")
        else:
            raw = secret.encode()
        return raw + bytes(unlock.max_bytes - len(raw)) if unlock.pad == "zero" else raw
