"""A citizen with everybody who is linked into them: who answers for an id, and the union of the numbers."""

from __future__ import annotations

from dataclasses import replace

from chassis.db import Tx
from identity_svc.domain.model import Citizen, newest_first
from identity_svc.store.link_store import LinkStore
from identity_svc.store.store import IdentityStore


async def read_survivor(tx: Tx, store: IdentityStore, citizen_id: str) -> Citizen | None:
    """The citizen who answers for an id, with numbers and newest check, or None."""
    return await store.read_full(tx, await LinkStore.survivor_of(tx, citizen_id))


async def with_members(tx: Tx, store: IdentityStore, citizen: Citizen) -> Citizen:
    """A citizen with the numbers of everybody who is linked into them; a number both hold is told once."""
    members = await LinkStore.members(tx, citizen.citizen_id)
    if not members:
        return citizen
    numbers = {(each.kind, each.value): each for each in reversed(citizen.identifiers)}
    for member_id in members:
        member = await store.read(tx, member_id)
        assert member is not None, "a linked citizen has a record"
        for each in member.identifiers:
            numbers.setdefault((each.kind, each.value), each)
    return replace(citizen, identifiers=newest_first(numbers.values()), merged_ids=members)
