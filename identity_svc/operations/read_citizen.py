"""Read a citizen by id or by a number; every disclosure leaves an audit row in its own transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.model import Citizen, IdentifierKind
from identity_svc.store.store import IdentityStore

_SERVICE_ALONE = frozenset({"SERVICE"})


class ReadCitizen:
    """The verbs GetCitizen and ResolveIdentifier."""

    def __init__(self, *, db: Database, store: IdentityStore, clock: Clock) -> None:
        self._db = db
        self._store = store
        self._clock = clock

    async def get(self, citizen_id: str, caller: Caller) -> Citizen:
        """Read one citizen.

        Raises:
            CitizenNotFound: nobody has this id.
        """
        return await self._disclose(
            lambda tx: self._store.read_full(tx, citizen_id), action="get_citizen", caller=caller
        )

    async def resolve(self, kind: IdentifierKind, value: str, caller: Caller) -> Citizen:
        """Find the citizen a number points at.

        Raises:
            CitizenNotFound: it points at nobody.
        """
        return await self._disclose(
            lambda tx: self._store.find(tx, kind, value), action="resolve_identifier", caller=caller
        )

    async def _disclose(
        self, find: Callable[[Tx], Awaitable[Citizen | None]], *, action: str, caller: Caller
    ) -> Citizen:
        if caller.roles == _SERVICE_ALONE:
            # A service acting without a person tells nobody; whoever asks it through its own edge is recorded there.
            citizen = await self._db.read(find)
            if citizen is None:
                raise CitizenNotFound
            return citizen
        trace_id = current_trace_id()

        async def work(tx: Tx) -> Citizen | None:
            found = await find(tx)
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
