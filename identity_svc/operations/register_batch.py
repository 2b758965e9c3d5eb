"""Stores one prepared batch of a register file: who is known, who is new, what changed, who may be there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chassis import audit
from chassis.clock import Ids
from chassis.db import Tx
from chassis.rpc.context import Caller
from identity_svc.domain.cases import CaseCause
from identity_svc.domain.matching import facts_of
from identity_svc.domain.model import Assurance, Citizen, Demographics, Source
from identity_svc.domain.register_file_merge import Conflict, Facts, change_by_row
from identity_svc.domain.register_import import Counts, RegisterImport
from identity_svc.domain.residence import ResidenceSource
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.index import PENDING, MasterIndex
from identity_svc.operations.register_prepare import PreparedBatch, PreparedPerson, identifier_of
from identity_svc.store.import_store import ImportStore
from identity_svc.store.store import IdentityStore
from identity_svc.store.units_store import UnitsStore

DOUBLES_MAX = 1_000
"""Pairs of likely doubles told of one batch."""
NOBODY = ""
"""Owner of a number that a contradictory row gave back."""
_FIRST = ("identity_add_citizen", "identity_add_demographic")
"""Statements whose rows others refer to."""
_BY_HASH = "index_add_block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch with the transaction and the call it is stored in."""

    tx: Tx
    run: RegisterImport
    caller: Caller
    trace_id: str
    now: datetime
    owner_of: dict[bytes, str] = field(default_factory=dict)
    """Whom each number of the batch points at; an id of the batch's own until its row is decided otherwise."""
    older_owner_of: dict[bytes, str] = field(default_factory=dict)
    """The same under the other keys of the ring."""
    days: dict[str, str] = field(default_factory=dict)
    """The day each import met on the way is of."""

    def owners(self, each: PreparedPerson) -> set[str]:
        """The people other than a new one whom a row's numbers name."""
        named = {self.owner_of[digest] for digest in each.hashes}
        named |= {self.older_owner_of.get(digest, NOBODY) for digest in each.older_hashes}
        return named - {each.citizen_id, NOBODY}


class BatchStore:
    """Writes batches, each inside the transaction it is given."""

    def __init__(
        self,
        *,
        identity: IdentityStore,
        imports: ImportStore,
        units: UnitsStore,
        index: MasterIndex,
        cases: CaseDesk,
        ids: Ids,
    ) -> None:
        self._identity = identity
        self._imports = imports
        self._units = units
        self._index = index
        self._cases = cases
        self._ids = ids

    async def store(self, batch: Batch, prepared: PreparedBatch) -> Counts:
        """Write one batch and say what it did; the import's own row is the caller's."""
        await self._claim(batch, prepared.people)
        new = [each for each in prepared.people if not batch.owners(each)]
        counts: Counter[str] = Counter(rejected=len(prepared.rejects))
        await self._add_new(batch, new)
        counts["created"] += len(new)
        registered = {each.citizen_id for each in new}
        # One after the other: what one row of a person does decides what the next of them meets.
        for each in prepared.people:
            if each.citizen_id not in registered:
                counts.update(await self._store_known(batch, each))
        counts["possible_duplicates"] = await self._open_doubles(batch, new)
        await batch.tx.execute_many("import_add_reject", prepared.rejects)
        return Counts(**counts)

    async def _claim(self, batch: Batch, people: Iterable[PreparedPerson]) -> None:
        """Claim every number for its row in one statement, then see whose the others are.

        Claimed before it is looked up: under SERIALIZABLE a look-up of an absent key conflicts with every writer.
        """
        claims: dict[bytes, str] = {}
        older: list[bytes] = []
        for each in people:
            older += each.older_hashes
            for digest in each.hashes:
                claims.setdefault(digest, each.citizen_id)
        if not claims:
            return
        free = await self._imports.claim(batch.tx, sorted(claims.items()))
        batch.owner_of.update((digest, owner) for digest, owner in claims.items() if digest in free)
        taken = [digest for digest in claims if digest not in free]
        batch.owner_of.update(await self._imports.owners(batch.tx, taken))
        batch.older_owner_of.update(await self._imports.owners(batch.tx, older))

    async def _add_new(self, batch: Batch, new: Sequence[PreparedPerson]) -> None:
        if not new:
            return
        for name in dict.fromkeys((*_FIRST, *(name for each in new for name in each.rows))):
            rows = [row for each in new for row in each.rows.get(name, ())]
            if name == _BY_HASH:
                rows.sort(key=_key_hash)
            await batch.tx.execute_many(name, rows)
        for each in new:
            await self._audit(batch, each, each.citizen_id, "register_citizen")
        batch.tx.topics.add(PENDING)

    async def _store_known(self, batch: Batch, each: PreparedPerson) -> dict[str, int]:
        """Store a row whose numbers were all or in part in use already."""
        for digest in each.hashes:
            if batch.owner_of[digest] == NOBODY:
                await batch.tx.execute("identity_claim_lookup", hash=digest, citizen_id=each.citizen_id)
                batch.owner_of[digest] = each.citizen_id
        owners = sorted(batch.owners(each))
        if not owners:
            await self._add_new(batch, [each])
            return {"created": 1}
        if len(owners) > 1:
            await self._give_back(batch, each)
            await self._open_case(batch, CaseCause.TWO_PEOPLE_ONE_IDENTIFIER, owners[0], other=owners[1])
            return {"conflicts": 1}
        citizen = await self._identity.read(batch.tx, owners[0])
        assert citizen is not None, "a look-up points at a citizen"
        stored = citizen.demographics
        repeated = int(stored.reading_id == batch.run.import_id)
        change = change_by_row(
            each.person,
            stored,
            is_older=batch.run.as_of_date.isoformat() < await self._day_of(batch, stored),
            is_confirmed=_is_confirmed(citizen, each),
        )
        if isinstance(change, Conflict):
            await self._give_back(batch, each)
            await self._open_case(batch, change.cause, citizen.citizen_id, field=change.field)
            return {"conflicts": 1, "repeated": repeated}
        added = await self._add_numbers(batch, each, citizen)
        if change is not None:
            await self._add_facts(batch, each, citizen, change)
        if change is None and not added:
            return {"unchanged": 1, "repeated": repeated}
        await self._file_again(batch, citizen.citizen_id)
        await self._audit(batch, each, citizen.citizen_id, "update_citizen")
        return {"updated": 1, "repeated": repeated}

    async def _day_of(self, batch: Batch, stored: Demographics) -> str:
        """The day stored facts are of: that of the file they came with, or of the card; empty where nothing tells."""
        if stored.source is not Source.REGISTER_FILE:
            return stored.issue_date
        if stored.reading_id not in batch.days:
            run = await self._imports.read(batch.tx, stored.reading_id)
            batch.days[stored.reading_id] = "" if run is None else run.as_of_date.isoformat()
        return batch.days[stored.reading_id]

    async def _give_back(self, batch: Batch, each: PreparedPerson) -> None:
        """Let the numbers that a contradictory row claimed point at nobody."""
        for digest in each.hashes:
            if batch.owner_of[digest] == each.citizen_id:
                await batch.tx.execute("identity_release_lookup", hash=digest, citizen_id=each.citizen_id)
                batch.owner_of[digest] = NOBODY

    async def _add_numbers(self, batch: Batch, each: PreparedPerson, citizen: Citizen) -> int:
        """Give a known person the numbers of the row that were nobody's, and return how many."""
        added = 0
        for (kind, value), digest in zip(each.person.identifiers, each.hashes, strict=True):
            if batch.owner_of[digest] != each.citizen_id:
                continue
            await batch.tx.execute("identity_move_lookup", hash=digest, citizen_id=citizen.citizen_id)
            batch.owner_of[digest] = citizen.citizen_id
            if any((held.kind, held.value) == (kind, value) for held in citizen.identifiers):
                continue
            identifier = identifier_of(kind, value, identifier_id=self._ids.new(), now=batch.now)
            await self._identity.add_identifier(batch.tx, citizen.citizen_id, identifier)
            added += 1
        return added

    async def _add_facts(self, batch: Batch, each: PreparedPerson, citizen: Citizen, facts: Facts) -> None:
        """Add the next version of a known person's facts and, where the address changed, of the residence."""
        stored = citizen.demographics
        demographics = Demographics(
            version=stored.version + 1,
            full_name=facts.full_name,
            birth_date=facts.birth_date,
            gender=facts.gender,
            address=facts.address,
            text_quality=facts.text_quality,
            issue_date=each.person.issue_date,
            source=Source.REGISTER_FILE,
        )
        await self._identity.add_demographics(
            batch.tx,
            citizen.citizen_id,
            demographics,
            reading_id=batch.run.import_id,
            register_time=citizen.create_time,
            now=batch.now,
        )
        if facts.address != stored.address:
            await self._units.add_residence(
                batch.tx,
                citizen.citizen_id,
                each.person.residence,
                source=ResidenceSource.IMPORT,
                batch_id=batch.run.import_id,
                now=batch.now,
            )

    async def _file_again(self, batch: Batch, citizen_id: str) -> None:
        """Tell the master index what is known of a person now."""
        citizen = await self._identity.read(batch.tx, citizen_id)
        assert citizen is not None, "it was just changed"
        residence = await self._units.current(batch.tx, citizen_id)
        ward_code = "" if residence is None else residence.ward_in_force
        facts = facts_of(citizen.demographics, citizen.identifiers, ward_code=ward_code, at=batch.now)
        await self._index.note(batch.tx, citizen_id, facts, now=batch.now)

    async def _open_doubles(self, batch: Batch, new: Sequence[PreparedPerson]) -> int:
        """Open a case for each new person who shares name, day of birth, gender and commune with somebody."""
        strong = [(each.citizen_id, each.strong_keys) for each in new if each.strong_keys]
        pairs = await self._imports.doubles(batch.tx, strong, page_size=DOUBLES_MAX)
        for citizen_id, other in {(min(pair), max(pair)) for pair in pairs}:
            await self._open_case(batch, CaseCause.POSSIBLE_DUPLICATE, citizen_id, other=other)
        return len({citizen_id for citizen_id, _ in pairs})

    async def _open_case(
        self, batch: Batch, cause: CaseCause, citizen_id: str, *, other: str = "", field: str = ""
    ) -> None:
        await self._cases.open(
            batch.tx,
            cause=cause,
            citizen_id=citizen_id,
            other_citizen_id=other,
            field=field,
            facility_code=batch.run.facility_code,
            evidence={"register_import": batch.run.import_id},
            now=batch.now,
        )

    async def _audit(self, batch: Batch, each: PreparedPerson, citizen_id: str, action: str) -> None:
        await audit.record(
            batch.tx,
            action=action,
            resource=f"registerImports/{batch.run.import_id}/rows/{each.row_number}",
            subject=citizen_id,
            caller=batch.caller,
            outcome="ok",
            trace_id=batch.trace_id,
            now=batch.now,
        )


def _is_confirmed(citizen: Citizen, each: PreparedPerson) -> bool:
    """Whether the register confirmed one of the numbers by which the row found the person."""
    told = set(each.person.identifiers)
    return any(
        held.assurance is Assurance.REGISTER_CHECKED and (held.kind, held.value) in told
        for held in citizen.identifiers
    )


def _key_hash(row: Mapping[str, object]) -> bytes:
    digest = row["key_hash"]
    assert isinstance(digest, bytes), "a blocking key is hashed"
    return digest
