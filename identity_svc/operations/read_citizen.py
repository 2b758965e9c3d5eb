"""Read a citizen by id or by a number; every disclosure leaves an audit row in its own transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.model import Citizen, Identifier, IdentifierKind
from identity_svc.operations.survivor import read_survivor, with_members
from identity_svc.store.store import IdentityStore

_SERVICE_ALONE = frozenset({"SERVICE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Whom a number leads to, and the number itself."""

    citizen: Citizen
    identifier: Identifier
    is_in_use: bool
    """It was in use at the moment asked about; an ended number still finds the person."""


class ReadCitizen:
    """The verbs GetCitizen and ResolveIdentifier."""

    def __init__(self, *, db: Database, store: IdentityStore, clock: Clock) -> None:
        self._db = db
        self._store = store
        self._clock = clock

    async def get(self, citizen_id: str, caller: Caller) -> Citizen:
        """Read one citizen; the id of a linked one is answered by who answers for it.

        Raises:
            CitizenNotFound: nobody has this id.
        """
        return await self._disclose(
            lambda tx: read_survivor(tx, self._store, citizen_id), action="get_citizen", caller=caller
        )

    async def resolve(self, kind: IdentifierKind, value: str, caller: Caller) -> Citizen:
        """Find the citizen a number points at.

        Raises:
            CitizenNotFound: it points at nobody.
        """
        return await self._disclose(
            lambda tx: self._store.find(tx, kind, value), action="resolve_identifier", caller=caller
        )

    async def resolve_at(
        self, kind: IdentifierKind, value: str, caller: Caller, *, at: datetime | None = None
    ) -> Resolved:
        """Find the citizen a number points at, and say whether it was in use at a moment, now unless told.

        Raises:
            CitizenNotFound: it points at nobody.
        """
        citizen = await self.resolve(kind, value, caller)
        number = next(each for each in citizen.identifiers if (each.kind, each.value) == (kind, value))
        return Resolved(
            citizen=citizen, identifier=number, is_in_use=number.is_in_use(at or self._clock.now())
        )

    async def _disclose(
        self, find: Callable[[Tx], Awaitable[Citizen | None]], *, action: str, caller: Caller
    ) -> Citizen:
        async def find_whole(tx: Tx) -> Citizen | None:
            citizen = await find(tx)
            return None if citizen is None else await with_members(tx, self._store, citizen)

        if caller.roles == _SERVICE_ALONE:
            # A service acting without a person tells nobody; whoever asks it through its own edge is recorded there.
            citizen = await self._db.read(find_whole)
            if citizen is None:
                raise CitizenNotFound
            return citizen
        trace_id = current_trace_id()

        async def work(tx: Tx) -> Citizen | None:
            found = await find_whole(tx)
            await audit.record(
                tx,
                action=action,
                resource="citizens" if found is None else f"citizens/{found.citizen_id}",
                subject="" if found is None else found.citizen_id,
                caller=caller,
                outcome="CITIZEN_NOT_FOUND" if found is None else "ok",
                trace_id=trace_id,
                now=self._clock.now(),
            )
            return found

        # Raised outside, so that a failed search stays on record: probing for numbers must leave a trail.
        citizen = await self._db.write(work)
        if citizen is None:
            raise CitizenNotFound
        return citizen
