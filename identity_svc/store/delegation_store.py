"""Rows of delegations and proxy codes to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chassis.db import Row, Tx
from chassis.db.columns import optional_text, optional_time, to_text, to_time
from identity_svc.domain.authority import (
    Action,
    Delegation,
    EvidenceKind,
    Kind,
    ProxyCode,
    Relationship,
)
from identity_svc.domain.proxy_code import VISIT

DELEGATIONS_MAX = 100
"""Delegations and codes read of one person, each."""


class DelegationStore:
    """Reads and writes who may act for whom."""

    async def add(self, tx: Tx, delegation: Delegation) -> None:
        """Keep a new delegation, to be found from both sides."""
        await tx.execute(
            "consent_add_delegation",
            citizen_id=delegation.citizen_id,
            delegation_id=delegation.delegation_id,
            kind=delegation.kind,
            representative_id=delegation.representative_id,
            relationship=delegation.relationship,
            actions=",".join(delegation.actions),
            evidence_kind=delegation.evidence_kind,
            evidence_reference=delegation.evidence_reference,
            recorded_by=delegation.recorded_by,
            recorded_at_facility_code=delegation.recorded_at_facility_code,
            start_time=to_text(delegation.start_time),
            end_time=optional_text(delegation.end_time),
        )
        await tx.execute(
            "consent_add_representation",
            citizen_id=delegation.representative_id,
            delegation_id=delegation.delegation_id,
            represented_id=delegation.citizen_id,
        )

    async def read(self, tx: Tx, citizen_id: str, delegation_id: str) -> Delegation | None:
        """One delegation under exactly these ids, or None."""
        row = await tx.one("consent_read_delegation", citizen_id=citizen_id, delegation_id=delegation_id)
        return None if row is None else _delegation(row)

    async def of(self, tx: Tx, circle: Sequence[str]) -> list[Delegation]:
        """Who may or might act for a person, newest first."""
        rows = [
            row
            for citizen_id in circle
            for row in await tx.all("consent_delegations", citizen_id=citizen_id, page_size=DELEGATIONS_MAX)
        ]
        return _newest_first([_delegation(row) for row in rows])

    async def to(self, tx: Tx, circle: Sequence[str]) -> list[Delegation]:
        """For whom a person may or might act, newest first."""
        found = []
        for citizen_id in circle:
            for row in await tx.all(
                "consent_representations", citizen_id=citizen_id, page_size=DELEGATIONS_MAX
            ):
                delegation = await self.read(tx, row["represented_id"], row["delegation_id"])
                assert delegation is not None, "both sides of a delegation are written at once"
                found.append(delegation)
        return _newest_first(found)

    async def revoke(self, tx: Tx, delegation: Delegation, *, revoked_by: str, now: datetime) -> None:
        """End a delegation, and the codes its representative had made."""
        await tx.execute(
            "consent_revoke_delegation",
            citizen_id=delegation.citizen_id,
            delegation_id=delegation.delegation_id,
            revoke_time=to_text(now),
            revoked_by=revoked_by,
        )
        await tx.execute(
            "consent_revoke_proxy_codes_of",
            citizen_id=delegation.citizen_id,
            issuer_id=delegation.representative_id,
            revoke_time=to_text(now),
        )

    async def add_code(self, tx: Tx, code: ProxyCode) -> None:
        """Keep a new proxy code."""
        await tx.execute(
            "consent_add_proxy_code",
            citizen_id=code.citizen_id,
            code_id=code.code_id,
            actions=",".join(code.actions),
            facility_code=code.facility_code,
            issuer_id=code.issuer_id,
            key_version=code.key_version,
            issue_time=to_text(code.issue_time),
            expire_time=to_text(code.expire_time),
        )
        await tx.execute("consent_add_proxy_lookup", code_id=code.code_id, citizen_id=code.citizen_id)

    async def find_code(self, tx: Tx, code_id: str) -> ProxyCode | None:
        """The proxy code of an id, or None."""
        row = await tx.one("consent_find_proxy_code", code_id=code_id)
        return None if row is None else await self.read_code(tx, row["citizen_id"], code_id)

    async def read_code(self, tx: Tx, citizen_id: str, code_id: str) -> ProxyCode | None:
        """One proxy code under exactly these ids, or None."""
        row = await tx.one("consent_read_proxy_code", citizen_id=citizen_id, code_id=code_id)
        return None if row is None else _code(row)

    async def codes_of(self, tx: Tx, circle: Sequence[str]) -> list[ProxyCode]:
        """A person's proxy codes, newest first."""
        codes = [
            _code(row)
            for citizen_id in circle
            for row in await tx.all("consent_proxy_codes", citizen_id=citizen_id, page_size=DELEGATIONS_MAX)
        ]
        codes.sort(key=lambda code: (code.issue_time, code.code_id), reverse=True)
        return codes[:DELEGATIONS_MAX]

    async def redeem(
        self, tx: Tx, code: ProxyCode, *, redeemed_by: str, facility_code: str, bearer_id: str, now: datetime
    ) -> bool:
        """Burn a code; False when it cannot be taken (any more)."""
        changed = await tx.execute(
            "consent_redeem_proxy_code",
            citizen_id=code.citizen_id,
            code_id=code.code_id,
            redeem_time=to_text(now),
            redeemed_by=redeemed_by,
            redeemed_at_facility_code=facility_code,
            bearer_id=bearer_id,
            visit_end_time=to_text(now + VISIT),
        )
        return changed == 1

    async def revoke_code(self, tx: Tx, code: ProxyCode, *, now: datetime) -> None:
        """Make a code useless."""
        await tx.execute(
            "consent_revoke_proxy_code",
            citizen_id=code.citizen_id,
            code_id=code.code_id,
            revoke_time=to_text(now),
        )


def _newest_first(delegations: list[Delegation]) -> list[Delegation]:
    delegations.sort(key=lambda each: each.delegation_id, reverse=True)
    return delegations[:DELEGATIONS_MAX]


def _actions(text: str) -> tuple[Action, ...]:
    return tuple(Action(action) for action in text.split(","))


def _delegation(row: Row) -> Delegation:
    return Delegation(
        citizen_id=row["citizen_id"],
        delegation_id=row["delegation_id"],
        kind=Kind(row["kind"]),
        representative_id=row["representative_id"],
        relationship=Relationship(row["relationship"]),
        actions=_actions(row["actions"]),
        evidence_kind=EvidenceKind(row["evidence_kind"]),
        evidence_reference=row["evidence_reference"],
        recorded_by=row["recorded_by"],
        recorded_at_facility_code=row["recorded_at_facility_code"],
        start_time=to_time(row["start_time"]),
        end_time=optional_time(row["end_time"]),
        revoke_time=optional_time(row["revoke_time"]),
        revoked_by=row["revoked_by"],
    )


def _code(row: Row) -> ProxyCode:
    return ProxyCode(
        citizen_id=row["citizen_id"],
        code_id=row["code_id"],
        actions=_actions(row["actions"]),
        facility_code=row["facility_code"],
        issuer_id=row["issuer_id"],
        key_version=row["key_version"],
        issue_time=to_time(row["issue_time"]),
        expire_time=to_time(row["expire_time"]),
        redeem_time=optional_time(row["redeem_time"]),
        redeemed_by=row["redeemed_by"],
        redeemed_at_facility_code=row["redeemed_at_facility_code"],
        bearer_id=row["bearer_id"],
        visit_end_time=optional_time(row["visit_end_time"]),
        revoke_time=optional_time(row["revoke_time"]),
    )
