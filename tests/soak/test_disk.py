"""The disk that forgets must forget the right things, or the power cuts prove nothing."""

from __future__ import annotations

from random import Random

import pytest

from tests.soak.disk import SECTOR, Disk, Names


def given_disk(*, names: Names = Names.ANY_SYNC, torn: bool = False, cut_at: int = 0, seed: int = 0) -> Disk:
    return Disk(names=names, torn=torn, cut_at=cut_at, seed=seed)


def survivors(disk: Disk) -> dict[str, bytes]:
    disk.cut()
    assert disk.survivors is not None
    return disk.survivors


def test_what_was_synced_stays_and_the_rest_goes() -> None:
    disk = given_disk()
    file = disk.create("/a")
    disk.write(file, b"one", 0)
    disk.sync(file)
    disk.write(file, b"two, longer", 0)
    assert bytes(disk.file("/a").now) == b"two, longer"
    assert survivors(disk) == {"/a": b"one"}


def test_a_file_that_was_never_synced_is_empty_or_not_there() -> None:
    disk = given_disk()
    disk.write(disk.create("/a"), b"one", 0)
    other = disk.create("/b")
    disk.sync(other)  # the metadata journal takes the name of /a along, not its bytes
    disk.create("/c")
    assert survivors(disk) == {"/a": b"", "/b": b""}


def test_a_rename_is_both_names_or_neither() -> None:
    for synced in (False, True):
        disk = given_disk()
        old, new = disk.create("/list"), disk.create("/list.new")
        disk.write(old, b"old", 0)
        disk.write(new, b"new", 0)
        disk.sync(old)
        disk.sync(new)
        disk.rename("/list.new", "/list")
        if synced:
            disk.sync_folder("/")
        assert survivors(disk) == ({"/list": b"new"} if synced else {"/list": b"old", "/list.new": b"new"})


def test_by_the_letter_of_posix_a_name_needs_its_own_folder_synced() -> None:
    disk = given_disk(names=Names.FOLDER_SYNC)
    disk.make_folder("/sub")
    for path in ("/a", "/sub/b"):
        file = disk.create(path)
        disk.write(file, b"x", 0)
        disk.sync(file)
    disk.sync_folder("/sub")
    assert survivors(disk) == {"/sub/b": b"x"}


def test_what_shrank_without_a_sync_is_whole_again() -> None:
    disk = given_disk()
    file = disk.create("/a")
    disk.write(file, b"0123456789", 0)
    disk.sync(file)
    disk.resize(file, 3)
    disk.write(file, b"x", 5)
    assert bytes(file.now) == b"012\0\0x"
    assert bytes(file.durable) == b"0123456789"
    disk.sync(file)
    assert survivors(disk) == {"/a": b"012\0\0x"}


def test_a_torn_disk_keeps_some_sectors_each_of_them_whole() -> None:
    found = set()
    for seed in range(40):
        disk = given_disk(torn=True, seed=seed)
        file = disk.create("/a")
        disk.write(file, b"a" * 4 * SECTOR, 0)
        disk.sync(file)
        disk.write(file, b"b" * 4 * SECTOR, 0)
        data = survivors(disk)["/a"]
        found.add("".join(chr(data[at]) for at in range(0, 4 * SECTOR, SECTOR)))
        assert all(len(set(data[at : at + SECTOR])) == 1 for at in range(0, 4 * SECTOR, SECTOR))
    assert len(found) > 8


def test_a_torn_disk_keeps_names_up_to_some_moment() -> None:
    found = set()
    for seed in range(40):
        disk = given_disk(torn=True, seed=seed)
        for name in "abcd":
            disk.create(f"/{name}")
        found.add("".join(sorted(path[1:] for path in survivors(disk))))
    assert found == {"", "a", "ab", "abc", "abcd"}


def test_the_power_goes_in_the_middle_of_an_operation() -> None:
    disk = given_disk(cut_at=3)
    file = disk.create("/a")
    disk.write(file, b"x", 0)
    with pytest.raises(OSError, match="power"):
        disk.sync(file)
    assert disk.survivors == {}
    with pytest.raises(OSError, match="power"):
        disk.write(file, b"y", 0)


def test_random_writes_and_syncs_agree_with_a_plain_model() -> None:
    """Synced bytes are exactly those of the last sync, whatever was written, cut off and grown in between."""
    for seed in range(60):
        random = Random(seed)
        disk = given_disk()
        file = disk.create("/a")
        plain, at_sync = bytearray(), b""
        for _ in range(60):
            match random.randrange(4):
                case 0 | 1:
                    offset, data = random.randrange(3000), random.randbytes(random.randrange(1, 1500))
                    disk.write(file, data, offset)
                    plain.extend(bytes(max(0, offset - len(plain))))
                    plain[offset : offset + len(data)] = data
                case 2:
                    size = random.randrange(4000)
                    disk.resize(file, size)
                    plain = plain[:size] + bytes(max(0, size - len(plain)))
                case _:
                    disk.sync(file)
                    at_sync = bytes(plain)
        assert bytes(file.now) == bytes(plain)
        assert bytes(file.durable) == at_sync


def test_a_sync_that_failed_is_not_made_good_by_the_next_one() -> None:
    disk = Disk(names=Names.ANY_SYNC, torn=False, cut_at=0, seed=0, bad_syncs=1.0)
    file = disk.create("/a")
    disk.write(file, b"a" * SECTOR, 0)
    with pytest.raises(OSError, match="sync failed"):
        disk.sync(file)
    disk._bad_syncs = 0
    disk.write(file, b"b" * SECTOR, SECTOR)
    disk.sync(file)
    assert survivors(disk) == {"/a": bytes(SECTOR) + b"b" * SECTOR}
