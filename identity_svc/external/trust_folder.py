"""Whom the chip check trusts, from a folder of certificates and revocation lists; read again when it changes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import structlog

from chassis.clock import Clock
from identity_svc.ports import TrustState
from standards.icao.certificates import MAX_TRUST_FILE_BYTES, TrustFault, TrustStore, build_trust_store

FILE_UNREADABLE = "FILE_UNREADABLE"
FILES_MAX = 1_000
"""Files read of the folder, by name; all the world's authorities are about 500 certificates."""
_log = structlog.get_logger("identity.trust_folder")


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file as it was when it was read last."""

    name: str
    size_bytes: int
    change_ns: int


class TrustFolder:
    """Implements TrustPort on a folder of .der, .cer, .crt, .pem and .crl files, or of any other name."""

    def __init__(self, folder: Path | None, *, clock: Clock, reload_s: float) -> None:
        """Take a folder.

        Args:
            folder: None trusts nobody, so that no chip is VALID.
            reload_s: Seconds between two looks at the folder.
        """
        self._folder = folder
        self._clock = clock
        self._reload_s = reload_s
        self._seen: tuple[_Seen, ...] | None = None
        self._state = TrustState(store=TrustStore())

    def current(self) -> TrustState:
        """What was loaded last."""
        return self._state

    async def load(self) -> bool:
        """Read the folder if it changed since the last time, and say whether it had.

        A folder that cannot be listed leaves in force what was loaded before.
        """
        if self._folder is None:
            return False
        try:
            seen = await asyncio.to_thread(_look, self._folder)
        except OSError as unreadable:
            _log.warning("trust_folder_unreadable", error=type(unreadable).__name__)
            return False
        if seen == self._seen:
            return False
        store, faults = await asyncio.to_thread(_read, self._folder, seen)
        self._seen = seen
        self._state = TrustState(store=store, faults=faults, load_time=self._clock.now())
        _log.info("trust_folder_loaded", authority_count=len(store.anchors), fault_count=len(faults))
        return True

    async def run(self) -> None:
        """Look at the folder for ever."""
        while True:
            await asyncio.sleep(self._reload_s)
            await self.load()


def _look(folder: Path) -> tuple[_Seen, ...]:
    seen = []
    for path in sorted(folder.iterdir())[:FILES_MAX]:
        if path.name.startswith(".") or not path.is_file():
            continue
        stat = path.stat()
        seen.append(_Seen(path.name, stat.st_size, stat.st_mtime_ns))
    return tuple(seen)


def _read(folder: Path, seen: tuple[_Seen, ...]) -> tuple[TrustStore, tuple[TrustFault, ...]]:
    contents, unreadable = [], []
    for each in seen:
        try:
            if each.size_bytes > MAX_TRUST_FILE_BYTES:
                raise OSError
            contents.append((each.name, (folder / each.name).read_bytes()))
        except OSError:
            unreadable.append(TrustFault(file_name=each.name, reason=FILE_UNREADABLE))
    store, faults = build_trust_store(contents)
    return store, (*faults, *unreadable)
