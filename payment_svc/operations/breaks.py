"""Listing and resolving breaks, and the balances of the ledger."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.db.columns import to_text, to_time
from chassis.idempotency import RequestKey, recall, remember
from chassis.paging import PageTokenMalformed, page_size_of
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from payment_svc.domain.breaks import ALLOWED, Break, BreakCode, Resolution
from payment_svc.domain.errors import (
    BillNotFound,
    BreakAlreadyResolved,
    BreakNotFound,
    NoteTooLong,
    ResolutionNotAllowed,
)
from payment_svc.domain.ledger import Account
from payment_svc.domain.money import Collection
from payment_svc.operations.collecting import Collecting
from payment_svc.store.statement_store import StatementStore
from payment_svc.store.store import PaymentStore

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 200
NOTE_CHARS_MAX = 500
_BEGINNING = ("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakPage:
    """A page of breaks."""

    breaks: tuple[Break, ...]
    next_page_token: str
    """Empty on the last page."""


class BreakOperations:
    """The verbs about breaks and balances."""

    def __init__(
        self,
        db: Database,
        store: PaymentStore,
        statements: StatementStore,
        collecting: Collecting,
        *,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._statements = statements
        self._collecting = collecting
        self._clock = clock

    async def list_breaks(self, caller: Caller, *, page_size: int, page_token: str, state: str) -> BreakPage:
        """A page of the caller's facility's breaks, oldest first.

        Args:
            page_size: 1 to 200, 0 for 50.
            state: OPEN, RESOLVED, or empty for both.
        Raises:
            PageSizeOutOfRange, PageTokenMalformed.
        """
        size = page_size_of(page_size, usual=PAGE_SIZE_DEFAULT, largest=PAGE_SIZE_MAX)
        after = _read_token(page_token) if page_token else _BEGINNING
        found = await self._db.read(
            lambda tx: self._statements.list_breaks(
                tx, facility_code=caller.facility, state=state, after=after, page_size=size + 1
            )
        )
        shown = found[:size]
        more = _write_token(shown[-1]) if len(found) > size else ""
        return BreakPage(breaks=tuple(shown), next_page_token=more)

    async def resolve(
        self,
        caller: Caller,
        key: RequestKey,
        *,
        break_id: str,
        resolution: Resolution,
        visit_id: str,
        note: str,
    ) -> Break:
        """Resolve a break, moving the money it is about.

        Raises:
            BreakNotFound, BreakAlreadyResolved, ResolutionNotAllowed, BillNotFound, NoteTooLong.
        """
        if len(note) > NOTE_CHARS_MAX:
            raise NoteTooLong(NOTE_CHARS_MAX)

        async def work(tx: Tx) -> Break:
            if await recall(tx, key) is None:
                item = await self._read(tx, caller, break_id)
                await self._resolve(tx, caller, item, resolution=resolution, visit_id=visit_id, note=note)
                await remember(tx, key, break_id, "forever")
            return await self._read(tx, caller, break_id)

        return await self._db.write(work)

    async def balances(self, caller: Caller) -> dict[Account, int]:
        """Debit minus credit of each account of the caller's facility; they sum to zero."""
        return await self._db.read(lambda tx: self._store.balances(tx, caller.facility))

    async def _read(self, tx: Tx, caller: Caller, break_id: str) -> Break:
        item = await self._statements.read_break(tx, break_id)
        if item is None or item.facility_code not in ("", caller.facility):
            raise BreakNotFound
        return item

    async def _resolve(
        self, tx: Tx, caller: Caller, item: Break, *, resolution: Resolution, visit_id: str, note: str
    ) -> None:
        if not item.is_open:
            raise BreakAlreadyResolved
        money = await self._store.read_collection(tx, item.collection_id) if item.collection_id else None
        allowed = ALLOWED[item.code] if money is not None else frozenset({Resolution.EXPLAINED})
        if resolution not in allowed:
            raise _refused(item, resolution, "kind")
        now = self._clock.now()
        ended = await self._statements.resolve_break(
            tx, item.break_id, resolution=resolution, resolver=caller.subject, note=note, now=now
        )
        assert ended, "the break was read open in this transaction"
        if money is not None and resolution is Resolution.APPLIED:
            await self._apply(tx, caller, item, money, visit_id=visit_id)
        if money is not None and resolution is Resolution.REFUND_PAYABLE and money.unapplied_vnd:
            await self._collecting.refund(tx, money, cause=item.break_id, now=now)
        await audit.record(
            tx,
            action="resolve_break",
            resource=f"breaks/{item.break_id}",
            caller=caller,
            outcome=resolution.value.lower(),
            now=now,
            trace_id=current_trace_id(),
        )

    async def _apply(self, tx: Tx, caller: Caller, item: Break, money: Collection, *, visit_id: str) -> None:
        """Apply the waiting money to the named bill; what is left over becomes a break of its own."""
        bill = await self._store.read_bill(tx, visit_id) if visit_id else None
        if bill is None or bill.facility_code != caller.facility:
            raise BillNotFound
        if bill.due_vnd == 0 or money.unapplied_vnd == 0:
            raise _refused(item, Resolution.APPLIED, "nothing_due")
        now = self._clock.now()
        applied_vnd = await self._collecting.apply(tx, money, bill, cause=item.break_id, now=now)
        rest_vnd = money.unapplied_vnd - applied_vnd
        if rest_vnd:
            await self._collecting.open_break(
                tx, BreakCode.AMOUNT_OVER, money, cause=item.break_id, now=now, amount_vnd=rest_vnd
            )


def _refused(item: Break, resolution: Resolution, why: str) -> ResolutionNotAllowed:
    return ResolutionNotAllowed(code=item.code.value, resolution=resolution.value, why=why)


def _write_token(item: Break) -> str:
    return base64.urlsafe_b64encode(f"{to_text(item.create_time)} {item.break_id}".encode()).decode()


def _read_token(token: str) -> tuple[str, str]:
    try:
        time_text, _, break_id = (
            base64.b64decode(token, altchars=b"-_", validate=True).decode().partition(" ")
        )
        to_time(time_text)
    except (binascii.Error, ValueError):
        raise PageTokenMalformed from None
    return time_text, break_id
