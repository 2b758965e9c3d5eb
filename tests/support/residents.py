"""People of a register from before residences were kept: an address and nothing else, or a code of the old vintage."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from chassis.clock import SystemIds
from chassis.db import Tx
from chassis.idempotency import RequestKey
from chassis.rpc.context import Caller
from identity_svc.domain.model import Demographics, Gender, TextQuality
from identity_svc.domain.recoding import Recoding, RecodingState
from identity_svc.domain.residence import Residence, ResidenceKind, ResidenceSource
from identity_svc.operations.recode import RecodingReport
from identity_svc.store.units_store import UnitsStore
from standards.admin_units import Vintage
from tests.support.identity import START, Identity

NAM_MAU = "Thôn Nà Phại, Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn"
GIA_SANG = "Tổ 3, Phường Gia Sàng, Thành phố Thái Nguyên, Tỉnh Thái Nguyên"
TAN_THINH = "Xóm 1, Tân Thịnh, Thái Nguyên"
NOWHERE = "Paris"
STEWARD = Caller(
    subject="persons/steward-1", roles=frozenset({"STEWARD"}), purpose="data_quality", facility="19001"
)
UNITS = UnitsStore()
_IDS = SystemIds()


def old_code(code: str) -> Residence:
    """A residence in the words of the old vintage that nobody converted yet."""
    return Residence(
        ward_code=code, vintage=Vintage.BEFORE_2025_07, kind=ResidenceKind.UNRESOLVED, old_ward_code=code
    )


async def settle(
    identity: Identity,
    addresses: Sequence[str],
    *,
    residence: Residence | None = None,
    quality: TextQuality = TextQuality.GOOD,
) -> list[str]:
    """Register people with these addresses and give their ids in order."""
    ids = [_IDS.new() for _ in addresses]

    async def work(tx: Tx) -> None:
        for citizen_id, address in zip(ids, addresses, strict=True):
            await identity.store.add_citizen(tx, citizen_id, now=START)
            facts = Demographics(
                version=1,
                full_name="Nguyễn Văn Thử",
                birth_date="1980-01-01",
                gender=Gender.MALE,
                address=address,
                text_quality=quality,
                issue_date="2022-06-15",
            )
            await identity.store.add_demographics(
                tx, citizen_id, facts, reading_id="", register_time=START, now=START
            )
            if residence is not None:
                await UNITS.add_residence(
                    tx, citizen_id, residence, source=ResidenceSource.IMPORT, batch_id="import-1", now=START
                )

    await identity.db.write(work)
    return ids


async def lives(identity: Identity, citizen_id: str) -> Residence | None:
    """Where a person lives now."""
    return await identity.db.read(lambda tx: UNITS.current(tx, citizen_id))


def fresh_key(method: str) -> RequestKey:
    """The key of a request that nobody sent before."""
    return RequestKey(
        method=f"/lienthong.identity.v1.UnitService/{method}",
        request_id=str(uuid.uuid4()),
        fingerprint=b"1",
        subject=STEWARD.subject,
    )


async def walk(identity: Identity) -> None:
    """Let the walk that goes on come to its end."""
    while await identity.units.walker.step():
        pass


async def counted(identity: Identity) -> RecodingReport:
    """Order a re-coding and let its dry run end."""
    ordered = await identity.units.recodings.start(key=fresh_key("StartRecoding"), caller=STEWARD)
    await walk(identity)
    return await identity.units.recodings.get(ordered.recoding.recoding_id)


async def applied(identity: Identity, recoding: Recoding) -> RecodingReport:
    """Apply a counted re-coding to its end."""
    assert recoding.state is RecodingState.COUNTED
    await identity.units.recodings.apply(recoding.recoding_id, key=fresh_key("ApplyRecoding"), caller=STEWARD)
    await walk(identity)
    return await identity.units.recodings.get(recoding.recoding_id)


async def undone(identity: Identity, recoding: Recoding) -> RecodingReport:
    """Take an applied re-coding back to its end."""
    await identity.units.recodings.undo(recoding.recoding_id, key=fresh_key("UndoRecoding"), caller=STEWARD)
    await walk(identity)
    return await identity.units.recodings.get(recoding.recoding_id)
