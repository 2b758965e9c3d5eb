"""Rows of consents to values and back, and the ids of one person; every method runs in the transaction it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chassis.db import Row, Tx
from chassis.db.columns import optional_text, optional_time, to_text, to_time
from identity_svc.domain.authority import Basis
from identity_svc.domain.consent import Channel, Consent
from identity_svc.domain.consent_texts import Purpose, Scope

CONSENT_QUERIES = Path(__file__).with_name("consent.sql")
MEMBERS_MAX = 100
"""People read who were merged into one."""
OF_PURPOSE_MAX = 200
"""Consents read for one purpose; a person gives a handful in a life."""
_LINKS_MAX = 100
_SURVIVOR_STEPS_MAX = 20
_LAST = "~"
"""Sorts behind every id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """That two records of one person were put together."""

    citizen_id: str
    """Who was merged."""
    survivor_id: str
    link_time: datetime
    end_time: datetime | None
    """When it was undone."""


class ConsentStore:
    """Reads and writes consents."""

    async def circle(self, tx: Tx, citizen_id: str) -> tuple[str, ...]:
        """Every id of one person: the one that counts first, then those merged into it."""
        for _ in range(_SURVIVOR_STEPS_MAX):
            row = await tx.one("consent_survivor", citizen_id=citizen_id)
            if row is None:
                break
            citizen_id = str(row["survivor_id"])
        members = await tx.all("consent_members", citizen_id=citizen_id, page_size=MEMBERS_MAX)
        return citizen_id, *(str(row["member_id"]) for row in members)

    async def links(self, tx: Tx, circle: Sequence[str]) -> list[Link]:
        """The merges that concern a person, newest first, undone ones too."""
        found: dict[tuple[str, str], Link] = {}
        for citizen_id in circle:
            for row in await tx.all("consent_links", citizen_id=citizen_id, page_size=_LINKS_MAX):
                found[row["citizen_id"], row["link_id"]] = Link(
                    citizen_id=row["citizen_id"],
                    survivor_id=row["survivor_id"],
                    link_time=to_time(row["link_time"]),
                    end_time=optional_time(row["end_time"]),
                )
        return sorted(found.values(), key=lambda link: link.link_time, reverse=True)

    async def add(self, tx: Tx, consent: Consent) -> None:
        """Keep a new consent."""
        await tx.execute(
            "consent_add",
            citizen_id=consent.citizen_id,
            consent_id=consent.consent_id,
            purpose=consent.purpose,
            scopes=",".join(consent.scopes),
            facility_code=consent.facility_code,
            text_id=consent.text_id,
            text_version=consent.text_version,
            text_language=consent.text_language,
            text_hash=consent.text_hash,
            channel=consent.channel,
            given_as=consent.given_as,
            giver_id=consent.giver_id,
            minor_agreed=int(consent.minor_agreed),
            evidence_reference=consent.evidence_reference,
            recorded_by=consent.recorded_by,
            recorded_at_facility_code=consent.recorded_at_facility_code,
            grant_time=to_text(consent.grant_time),
            expire_time=optional_text(consent.expire_time),
        )

    async def read(self, tx: Tx, citizen_id: str, consent_id: str) -> Consent | None:
        """One consent under exactly these ids, or None."""
        row = await tx.one("consent_read", citizen_id=citizen_id, consent_id=consent_id)
        return None if row is None else _consent(row)

    async def of_purpose(self, tx: Tx, circle: Sequence[str], purpose: Purpose) -> list[Consent]:
        """A person's consents for one purpose."""
        return [
            _consent(row)
            for citizen_id in circle
            for row in await tx.all(
                "consent_of_purpose", citizen_id=citizen_id, purpose=purpose, page_size=OF_PURPOSE_MAX
            )
        ]

    async def page(self, tx: Tx, circle: Sequence[str], *, before: str = "", page_size: int) -> list[Consent]:
        """A person's consents, newest first, behind the consent id `before`; "" begins."""
        rows = [
            row
            for citizen_id in circle
            for row in await tx.all(
                "consent_page", citizen_id=citizen_id, before=before or _LAST, page_size=page_size
            )
        ]
        rows.sort(key=lambda row: str(row["consent_id"]), reverse=True)
        return [_consent(row) for row in rows[:page_size]]

    async def end(
        self, tx: Tx, consent: Consent, *, channel: Channel | None, ended_by: str, now: datetime
    ) -> None:
        """End a standing consent: withdrawn through a channel, or replaced where there is none."""
        await tx.execute(
            "consent_end",
            citizen_id=consent.citizen_id,
            consent_id=consent.consent_id,
            withdraw_time=to_text(now),
            withdraw_channel=channel or "",
            withdrawn_by=ended_by,
            is_replaced=int(channel is None),
        )


def _consent(row: Row) -> Consent:
    return Consent(
        citizen_id=row["citizen_id"],
        consent_id=row["consent_id"],
        purpose=Purpose(row["purpose"]),
        scopes=tuple(Scope(scope) for scope in row["scopes"].split(",")),
        facility_code=row["facility_code"],
        text_id=row["text_id"],
        text_version=row["text_version"],
        text_language=row["text_language"],
        text_hash=row["text_hash"],
        channel=Channel(row["channel"]),
        given_as=Basis(row["given_as"]),
        giver_id=row["giver_id"],
        minor_agreed=bool(row["minor_agreed"]),
        evidence_reference=row["evidence_reference"],
        recorded_by=row["recorded_by"],
        recorded_at_facility_code=row["recorded_at_facility_code"],
        grant_time=to_time(row["grant_time"]),
        expire_time=optional_time(row["expire_time"]),
        withdraw_time=optional_time(row["withdraw_time"]),
        withdraw_channel=Channel(row["withdraw_channel"]) if row["withdraw_channel"] else None,
        withdrawn_by=row["withdrawn_by"],
        is_replaced=bool(row["is_replaced"]),
    )
