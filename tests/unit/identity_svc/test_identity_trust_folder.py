"""The trust folder: what is loaded, told, and read again without a restart."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from chassis.clock import FixedClock
from identity_svc.external.trust_folder import FILE_UNREADABLE, TrustFolder
from standards.icao.certificates import MAX_TRUST_FILE_BYTES
from tests.support.chip_maker import NOW, authority, ec_key, revocation_list, signer

CSCA = authority()
OTHER = authority(name="Another", key=ec_key(31))


def folder_of(path: Path | None, *, reload_s: float = 30.0) -> TrustFolder:
    return TrustFolder(path, clock=FixedClock(NOW), reload_s=reload_s)


async def test_no_folder_trusts_nobody() -> None:
    folder = folder_of(None)

    assert not await folder.load()
    assert (folder.current().store.anchors, folder.current().load_time) == ((), None)


async def test_certificates_and_lists_are_loaded_and_useless_files_told(tmp_path: Path) -> None:
    (tmp_path / "csca.der").write_bytes(CSCA.der)
    (tmp_path / "csca.crl").write_bytes(revocation_list(CSCA, [7]))
    (tmp_path / "signer.cer").write_bytes(signer(CSCA).der)
    (tmp_path / "large.bin").write_bytes(bytes(MAX_TRUST_FILE_BYTES + 1))
    (tmp_path / ".hidden").write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    folder = folder_of(tmp_path)

    assert await folder.load()
    state = folder.current()
    assert len(state.store.anchors) == len(state.store.lists) == 1
    assert [(each.file_name, each.reason) for each in state.faults] == [
        ("signer.cer", "NOT_AN_AUTHORITY"),
        ("large.bin", FILE_UNREADABLE),
    ]
    assert state.load_time == NOW


async def test_pem_with_several_certificates_is_loaded(tmp_path: Path) -> None:
    from asn1crypto import pem

    content = pem.armor("CERTIFICATE", CSCA.der) + pem.armor("CERTIFICATE", OTHER.der)
    (tmp_path / "all.pem").write_bytes(content + pem.armor("X509 CRL", revocation_list(OTHER)))
    folder = folder_of(tmp_path)
    await folder.load()

    assert len(folder.current().store.anchors) == 2
    assert len(folder.current().store.lists) == 1


async def test_a_change_is_seen_by_the_worker_and_no_change_is_not_read_again(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, reload_s=0.01)
    await folder.load()
    assert not await folder.load()
    worker = asyncio.create_task(folder.run())
    (tmp_path / "csca.der").write_bytes(CSCA.der)

    async with asyncio.timeout(5):
        while not folder.current().store.anchors:  # noqa: ASYNC110 - a port tells nobody of a change
            await asyncio.sleep(0.01)
        (tmp_path / "csca.der").unlink()
        while folder.current().store.anchors:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    worker.cancel()


async def test_a_folder_that_goes_away_leaves_in_force_what_was_loaded(tmp_path: Path) -> None:
    place = tmp_path / "csca"
    place.mkdir()
    (place / "csca.der").write_bytes(CSCA.der)
    folder = folder_of(place)
    await folder.load()
    shutil.rmtree(place)

    assert not await folder.load()
    assert len(folder.current().store.anchors) == 1


async def test_a_file_rewritten_in_place_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "csca.der"
    file.write_bytes(CSCA.der)
    folder = folder_of(tmp_path)
    await folder.load()
    before = folder.current().store.anchors[0].fingerprint
    file.write_bytes(OTHER.der)
    os.utime(file, ns=(1, 1))

    assert await folder.load()
    assert folder.current().store.anchors[0].fingerprint != before
