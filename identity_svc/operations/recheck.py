"""Repeat a card check that the register did not answer, once the register is back."""

from __future__ import annotations

import json
from dataclasses import replace

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.outbox import Message, RetryLater
from chassis.rpc.context import current_caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.card import read_card
from identity_svc.domain.model import CardFacts, Verification
from identity_svc.operations.register_check import Check, ask_register
from identity_svc.operations.settle import Settlement
from identity_svc.ports import RegisterPort
from identity_svc.store.store import IdentityStore


class Recheck:
    """Delivers the messages of the queue `register`."""

    def __init__(
        self,
        *,
        db: Database,
        store: IdentityStore,
        settlement: Settlement,
        register: RegisterPort,
        clock: Clock,
        wait_s: float,
    ) -> None:
        """Take what the verb needs.

        Args:
            wait_s: Seconds before the register is asked again after it was not heard.
        """
        self._db = db
        self._store = store
        self._register = register
        self._clock = clock
        self._settlement = settlement
        self._wait_s = wait_s

    async def __call__(self, message: Message) -> None:
        """Check the card of one message again and store a new verification.

        Raises:
            RetryLater: the register is still not heard; the try does not count.
            RegisterRefusedRequest: repeating cannot help; the message is parked after its tries.
        """
        place = json.loads(message.payload)
        citizen_id, verification_id = place["citizen_id"], place["verification_id"]
        waiting = await self._db.read(lambda tx: self._waiting(tx, citizen_id, verification_id))
        if waiting is None:
            return
        pending, card, facility_code = waiting
        check = await ask_register(self._register, card, self._clock)
        if check.degraded_reason and not check.register_reference:
            raise RetryLater(self._wait_s)
        await self._db.write(lambda tx: self._settle(tx, pending, card, check, facility_code=facility_code))

    async def _waiting(
        self, tx: Tx, citizen_id: str, verification_id: str
    ) -> tuple[Verification, CardFacts, str] | None:
        """The check that waits, its card, and where the card was shown; None when nothing waits any more."""
        pending = await self._store.verification(tx, citizen_id, verification_id)
        if pending is None or not pending.recheck_pending:
            return None
        reading = await self._store.reading(tx, citizen_id, pending.reading_id)
        assert reading is not None, "a check has its reading"
        return pending, read_card(reading.raw_text), reading.facility_code

    async def _settle(
        self, tx: Tx, pending: Verification, card: CardFacts, check: Check, *, facility_code: str
    ) -> None:
        now = self._clock.now()
        if await self._store.settle_rechecks(tx, pending.citizen_id, pending.facts_hash) == 0:
            return
        citizen = await self._store.read(tx, pending.citizen_id)
        assert citizen is not None, "a check has its citizen"
        _, verification = await self._settlement.apply(
            tx,
            citizen,
            card,
            check,
            reading_id=pending.reading_id,
            facility_code=facility_code,
            earlier=pending,
            now=now,
        )
        # What was seen at the scan stays seen: a former number of somebody else does not go away by asking again.
        warnings = tuple(dict.fromkeys((*pending.warnings, *verification.warnings)))
        await self._store.add_verification(tx, replace(verification, warnings=warnings))
        await audit.record(
            tx,
            action="recheck_card",
            resource=f"citizens/{pending.citizen_id}/verifications/{verification.verification_id}",
            subject=pending.citizen_id,
            caller=current_caller(),
            outcome="ok",
            trace_id=current_trace_id(),
            now=now,
        )
