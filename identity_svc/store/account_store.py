"""Rows of citizens' accounts to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chassis.crypto import FieldCipher, LookupHash
from chassis.db import Row, Tx
from chassis.db.columns import optional_time, to_text, to_time

ACCOUNTS_MAX = 50
"""Accounts read of one person, parted ones too."""
_SUBJECT = "ACCOUNT"
_CODE = "ACCOUNT_CODE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A sign-in that belongs or belonged to a citizen."""

    citizen_id: str
    account_id: str
    subject: str = field(repr=False)
    """Its name at the issuer."""
    facility_code: str
    link_time: datetime
    unlink_time: datetime | None

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"citizens/{self.citizen_id}/accounts/{self.account_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRequest:
    """A link code that waits for a clerk."""

    code: str = field(repr=False)
    subject: str = field(repr=False)
    expire_time: datetime


class AccountStore:
    """Reads and writes accounts; holds the keys, no connection and no state."""

    def __init__(self, cipher: FieldCipher, hashes: LookupHash) -> None:
        self._cipher = cipher
        self._hashes = hashes

    async def owner(self, tx: Tx, subject: str) -> tuple[str, str] | None:
        """The citizen and account ids of a sign-in, or None."""
        for digest in self._hashes.every(_SUBJECT, subject):
            row = await tx.one("consent_find_account", hash=digest)
            if row is not None:
                return str(row["citizen_id"]), str(row["account_id"])
        return None

    async def offer(self, tx: Tx, request: LinkRequest, *, now: datetime) -> bool:
        """Let a code wait, in place of an earlier one of the sign-in; False when somebody else has these digits."""
        subject_hash = self._hashes.of(_SUBJECT, request.subject)
        await tx.execute("consent_forget_requests", now=to_text(now), subject_hash=subject_hash)
        code_hash = self._hashes.of(_CODE, request.code)
        added = await tx.execute(
            "consent_add_request",
            code_hash=code_hash,
            subject_hash=subject_hash,
            code_sealed=self._cipher.seal(request.code, place=_place("code_sealed", code_hash)),
            subject_sealed=self._cipher.seal(request.subject, place=_place("subject_sealed", code_hash)),
            expire_time=to_text(request.expire_time),
        )
        return added == 1

    def code_key(self, code: str) -> str:
        """What may be remembered of a code: its keyed hash in hexadecimal digits."""
        return self._hashes.of(_CODE, code).hex()

    async def waiting(self, tx: Tx, code_key: str, *, now: datetime) -> LinkRequest | None:
        """The waiting code of a key, or None."""
        code_hash = bytes.fromhex(code_key)
        row = await tx.one("consent_read_request", code_hash=code_hash, now=to_text(now))
        if row is None:
            return None
        return LinkRequest(
            code=self._cipher.open_text(row["code_sealed"], place=_place("code_sealed", code_hash)),
            subject=self._cipher.open_text(row["subject_sealed"], place=_place("subject_sealed", code_hash)),
            expire_time=to_time(row["expire_time"]),
        )

    async def link(self, tx: Tx, account: Account, *, code_key: str, linked_by: str) -> bool:
        """Use a code up and link its sign-in; False when the sign-in belongs to somebody."""
        claimed = await tx.execute(
            "consent_claim_account",
            hash=self._hashes.of(_SUBJECT, account.subject),
            citizen_id=account.citizen_id,
            account_id=account.account_id,
        )
        if claimed == 0:
            return False
        await tx.execute(
            "consent_add_account",
            citizen_id=account.citizen_id,
            account_id=account.account_id,
            subject_sealed=self._cipher.seal(account.subject, place=_account_place(account.account_id)),
            linked_by=linked_by,
            facility_code=account.facility_code,
            link_time=to_text(account.link_time),
        )
        await tx.execute("consent_drop_request", code_hash=bytes.fromhex(code_key))
        return True

    async def read(self, tx: Tx, citizen_id: str, account_id: str) -> Account | None:
        """One account under exactly these ids, or None."""
        row = await tx.one("consent_read_account", citizen_id=citizen_id, account_id=account_id)
        return None if row is None else self._account(row)

    async def of(self, tx: Tx, circle: Sequence[str]) -> list[Account]:
        """A person's accounts, newest first, parted ones too."""
        found = [
            self._account(row)
            for citizen_id in circle
            for row in await tx.all("consent_accounts", citizen_id=citizen_id, page_size=ACCOUNTS_MAX)
        ]
        return sorted(found, key=lambda account: account.account_id, reverse=True)

    async def unlink(self, tx: Tx, account: Account, *, unlinked_by: str, now: datetime) -> None:
        """Part a sign-in from its citizen."""
        for digest in self._hashes.every(_SUBJECT, account.subject):
            await tx.execute("consent_drop_account_lookup", hash=digest, account_id=account.account_id)
        await tx.execute(
            "consent_unlink_account",
            citizen_id=account.citizen_id,
            account_id=account.account_id,
            unlink_time=to_text(now),
            unlinked_by=unlinked_by,
        )

    def _account(self, row: Row) -> Account:
        return Account(
            citizen_id=row["citizen_id"],
            account_id=row["account_id"],
            subject=self._cipher.open_text(row["subject_sealed"], place=_account_place(row["account_id"])),
            facility_code=row["facility_code"],
            link_time=to_time(row["link_time"]),
            unlink_time=optional_time(row["unlink_time"]),
        )


def _place(column: str, code_hash: bytes) -> str:
    return f"account_request|{column}|{code_hash.hex()}"


def _account_place(account_id: str) -> str:
    return f"account|subject_sealed|{account_id}"
