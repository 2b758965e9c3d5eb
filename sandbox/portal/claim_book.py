"""What the portal holds of the files it took: transactions, the current one of each record, the review's verdicts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sandbox.person import JsonObject
from sandbox.portal.claim_file import SentClaim
from sandbox.portal.refusal import Mistake

CHECK_IN, CLAIM, CERTIFICATE = "0", "130", "12"
"""loaiHoSo of the three services."""
WAITING, HELD, REPLACED, REFUSED = "0", "1", "2", "3"
"""trangThai of a file or record in a receipt: ours."""
MAX_FILES = 100_000
_CAUSE = re.compile(r"[A-Z0-9_.-]{1,20}")


class BookError(ValueError):
    """A control call about claims is wrong; the text says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFile:
    """One file the portal gave a transaction number, taken or refused."""

    transaction: str
    """maGiaoDich: facility, moment, serial; the form is ours."""
    facility_code: str
    kind: str
    received_text: str
    """yyyyMMddHHmmss, Vietnam."""
    keys: tuple[str, ...]
    claims: tuple[SentClaim, ...] = ()
    mistakes: tuple[Mistake, ...] = ()

    @property
    def is_refused(self) -> bool:
        """True when nothing of it counts."""
        return bool(self.mistakes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the insurer's review approves of one claim."""

    approved: Decimal
    cause: str
    """Code of the reason for what is not approved, or empty."""
    reason: str


@dataclass(slots=True)
class _Counts:
    received: int = 0
    taken: int = 0
    refused: int = 0
    lost: int = 0
    replaced: int = 0
    codes: Counter[str] = field(default_factory=Counter)


class ClaimBook:
    """Every file of every facility, in memory."""

    def __init__(self) -> None:
        self._files: dict[str, TakenFile] = {}
        self._current: dict[tuple[str, str, str], str] = {}
        self._history: dict[tuple[str, str, str], list[str]] = {}
        self._verdicts: dict[tuple[str, str], Verdict] = {}
        self._counts: dict[tuple[str, str], _Counts] = {}
        self._serial = 0
        self.signers: frozenset[str] = frozenset()
        """Accounts whose files must be signed."""

    def number(self, facility_code: str, now: datetime) -> str:
        """A new transaction number."""
        self._serial += 1
        return f"{facility_code}{now:%Y%m%d%H%M%S}{self._serial:06d}"

    def take(
        self,
        facility_code: str,
        kind: str,
        keys: tuple[str, ...],
        claims: tuple[SentClaim, ...],
        now: datetime,
    ) -> TakenFile:
        """Hold a good file; a record sent before is replaced, so it never counts twice."""
        taken = self._keep(facility_code, kind, now, keys=keys, claims=claims)
        counts = self._of(facility_code, kind)
        counts.taken += 1
        for key in keys:
            place = (facility_code, kind, key)
            counts.replaced += place in self._current
            self._current[place] = taken.transaction
            self._history.setdefault(place, []).append(taken.transaction)
        return taken

    def refuse(
        self, facility_code: str, kind: str, mistakes: tuple[Mistake, ...], now: datetime
    ) -> TakenFile:
        """Remember a refused file for its receipt; a record held before stays as it was."""
        keys = tuple(dict.fromkeys(mistake.record_key for mistake in mistakes if mistake.record_key))
        refused = self._keep(facility_code, kind, now, keys=keys, mistakes=mistakes)
        counts = self._of(facility_code, kind)
        counts.refused += 1
        counts.codes[mistakes[0].code] += 1
        for key in keys:
            self._history.setdefault((facility_code, kind, key), []).append(refused.transaction)
        return refused

    def lose(self, facility_code: str, kind: str, now: datetime) -> str:
        """Give a number out and forget the file."""
        counts = self._of(facility_code, kind)
        counts.received += 1
        counts.lost += 1
        return self.number(facility_code, now)

    def _keep(
        self,
        facility_code: str,
        kind: str,
        now: datetime,
        *,
        keys: tuple[str, ...],
        claims: tuple[SentClaim, ...] = (),
        mistakes: tuple[Mistake, ...] = (),
    ) -> TakenFile:
        if len(self._files) >= MAX_FILES:
            raise BookError(f"the sandbox holds at most {MAX_FILES} files; DELETE /control/claims")
        self._of(facility_code, kind).received += 1
        kept = TakenFile(
            transaction=self.number(facility_code, now),
            facility_code=facility_code,
            kind=kind,
            received_text=f"{now:%Y%m%d%H%M%S}",
            keys=keys,
            claims=claims,
            mistakes=mistakes,
        )
        self._files[kept.transaction] = kept
        return kept

    def _of(self, facility_code: str, kind: str) -> _Counts:
        return self._counts.setdefault((facility_code, kind), _Counts())

    def find(self, facility_code: str, transaction: str) -> TakenFile | None:
        """The file of this number, when it is this facility's."""
        found = self._files.get(transaction)
        return found if found is not None and found.facility_code == facility_code else None

    def find_by_key(self, facility_code: str, kind: str, key: str) -> tuple[TakenFile, ...]:
        """Every file that told of this record, newest first."""
        numbers = self._history.get((facility_code, kind, key), [])
        return tuple(self._files[number] for number in reversed(numbers))

    def files_of_day(self, facility_code: str, kind: str, day_text: str) -> tuple[TakenFile, ...]:
        """The files of one service on a Vietnamese day (yyyyMMdd), oldest first."""
        return tuple(
            file
            for file in self._files.values()
            if (file.facility_code, file.kind, file.received_text[:8]) == (facility_code, kind, day_text)
        )

    def state(self, file: TakenFile, key: str) -> str:
        """The state of one record of a file: HELD, REPLACED or REFUSED."""
        if file.is_refused:
            return REFUSED
        return (
            HELD if self._current.get((file.facility_code, file.kind, key)) == file.transaction else REPLACED
        )

    def held_claims(self, facility_code: str, month: str = "") -> list[tuple[TakenFile, SentClaim]]:
        """The current claims of a facility in the order they came, of one settlement month (yyyyMM) or all."""
        return [
            (file, claim)
            for file in self._files.values()
            if file.facility_code == facility_code and file.kind == CLAIM
            for claim in file.claims
            if self.state(file, claim.ma_lk) == HELD and month in {"", claim.month}
        ]

    def review(self, facility_code: str, ma_lk: str, *, approved: Decimal, cause: str, reason: str) -> None:
        """Set what the review approves of a held claim; a replacement sent later is reviewed afresh by nobody.

        Raises:
            BookError: no such claim, an amount above what was asked, or a cause of a wrong form.
        """
        claim = next((held for _, held in self.held_claims(facility_code) if held.ma_lk == ma_lk), None)
        if claim is None:
            raise BookError("no claim of this facility and MA_LK is held")
        if not 0 <= approved <= claim.asked:
            raise BookError("approved must be from 0 to what was asked")
        if cause and _CAUSE.fullmatch(cause) is None:
            raise BookError("cause must be up to 20 capitals, digits, _, . or -")
        if approved < claim.asked and not cause:
            raise BookError("less than was asked needs a cause")
        self._verdicts[(facility_code, ma_lk)] = Verdict(approved=approved, cause=cause, reason=reason[:500])

    def verdict(self, facility_code: str, claim: SentClaim) -> Verdict:
        """The review of a claim; without one it is approved in full."""
        held = self._verdicts.get((facility_code, claim.ma_lk))
        if held is None:
            return Verdict(approved=claim.asked, cause="", reason="")
        # A replacement may ask for less than was approved before.
        return Verdict(approved=min(held.approved, claim.asked), cause=held.cause, reason=held.reason)

    def forget(self) -> None:
        """Hold nothing any more; the serial goes on, so no number is given out twice."""
        for shelf in (self._files, self._current, self._history, self._verdicts, self._counts):
            shelf.clear()

    def to_json(self, facility_code: str = "") -> JsonObject:
        """Counts per facility and service, and every file, for tests that compare them with their own."""
        held = Counter((place[0], place[1]) for place in self._current)
        return {
            "counts": [
                {
                    "facility_code": facility,
                    "kind": kind,
                    "received": counts.received,
                    "taken": counts.taken,
                    "refused": counts.refused,
                    "lost": counts.lost,
                    "replaced": counts.replaced,
                    "held_records": held[(facility, kind)],
                    "refused_by_code": dict(counts.codes),
                }
                for (facility, kind), counts in self._counts.items()
                if facility_code in {"", facility}
            ],
            "files": [
                self._file_json(file)
                for file in self._files.values()
                if facility_code in {"", file.facility_code}
            ],
        }

    def _file_json(self, file: TakenFile) -> JsonObject:
        asked = {claim.ma_lk: str(claim.asked) for claim in file.claims}
        return {
            "transaction": file.transaction,
            "facility_code": file.facility_code,
            "kind": file.kind,
            "received": file.received_text,
            "code": file.mistakes[0].code if file.mistakes else "200",
            "records": [
                {"key": key, "state": self.state(file, key), "asked": asked.get(key, "")} for key in file.keys
            ],
        }
