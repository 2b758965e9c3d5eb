"""Consents, delegations and accounts on a real store, with people of several ages, and behind the whole pipeline."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chassis.clock import SystemIds
from chassis.crypto import KeyRing
from chassis.idempotency import RequestKey
from chassis.rpc.channel import Channel as WireChannel
from chassis.rpc.context import Caller
from chassis.rpc.local import LocalNetwork
from chassis.rpc.tokens import Minter
from chassis.telemetry import Telemetry
from identity_svc.domain.authority import Action, EvidenceKind, Kind, Relationship
from identity_svc.domain.consent import Channel
from identity_svc.domain.consent_texts import Purpose, Scope, shipped_texts
from identity_svc.operations.authority import Acting
from identity_svc.operations.consent import ConsentOrder
from identity_svc.operations.delegation import Dated, DelegationOrder
from identity_svc.server.parts import consent_parts
from identity_svc.store.account_store import Account
from tests.support.echo_network import Keys
from tests.support.identity import CLERK, FACILITY, Identity, card_text

KIOSK = Caller(subject="devices/kiosk-1", roles=frozenset({"DEVICE"}), facility=FACILITY, purpose="treatment")
SERVICE = Caller(subject="services/emr", roles=frozenset({"SERVICE"}), service="emr")
MOTHER = ("099190000017", "Nguyễn Thị Hòa", "02031990")
SON = ("099218000021", "Lý Văn Minh", "10062018")
"""Seven years old at START, eight on 10 June 2026, of age on 10 June 2036."""
TEEN = ("099209000035", "Lý Thị Mai", "20052009")
"""Sixteen at START."""
UNCLE = ("099085000043", "Lý Văn Quý", "01011985")


def citizen_caller(subject: str = "citizen-0") -> Caller:
    """A person signed in with the app."""
    return Caller(subject=subject, roles=frozenset({"CITIZEN"}), purpose="treatment")


def key(
    caller: Caller = CLERK, *, method: str = "/test", request_id: str = "", mark: bytes = b""
) -> RequestKey:
    """The key of a write; a fresh one unless an id is given."""
    return RequestKey(
        method=method, request_id=request_id or str(uuid.uuid4()), fingerprint=mark, subject=caller.subject
    )


class ConsentBench:
    """The part's operations beside identity's own."""

    def __init__(self, identity: Identity, folder: Path) -> None:
        ring = KeyRing.from_file(folder / "field-keys.json")
        self.identity = identity
        self.db = identity.db
        self.clock = identity.clock
        self.part = consent_parts(
            db=identity.db, store=identity.store, ring=ring, clock=identity.clock, ids=SystemIds()
        )

    async def register(self, person: tuple[str, str, str]) -> str:
        """The citizen id of a person whose card is scanned and confirmed."""
        number, name, birth = person
        return (await self.identity.scan(card_text(number=number, name=name, birth=birth))).citizen.citizen_id

    async def linked(self, citizen_id: str, subject: str = "citizen-0") -> Account:
        """A sign-in that a clerk linked to the citizen."""
        caller = citizen_caller(subject)
        waiting = await self.part.accounts.request(key=key(caller), caller=caller)
        return await self.part.accounts.confirm(citizen_id, waiting.code, key=key(), caller=CLERK)

    async def guardian(self, child_id: str, parent_id: str) -> Dated:
        """A parent recorded at the desk."""
        order = DelegationOrder(
            citizen_id=child_id,
            kind=Kind.GUARDIAN,
            representative_id=parent_id,
            relationship=Relationship.PARENT,
            actions=frozenset(),
            evidence_kind=EvidenceKind.BIRTH_CERTIFICATE,
            evidence_reference="KS-12/2018",
            end_time=None,
        )
        return await self.part.delegations.add(order, key=key(), caller=CLERK)

    async def may(self, actor_id: str, citizen_id: str, action: Action = Action.SEE_RECORD) -> str:
        """The basis or the reason of CheckAuthority's answer, now."""
        ruling, _ = await self.part.check_authority(
            citizen_id,
            Acting(actor_id=actor_id),
            action=action,
            facility_code="",
            at_time=None,
            caller=SERVICE,
        )
        return str(ruling.basis or ruling.denial)


def order(
    citizen_id: str,
    *,
    purpose: Purpose = Purpose.SHARING,
    text_id: str = "sharing",
    scopes: frozenset[Scope] = frozenset({Scope.CONDITION, Scope.MEDICATION}),
    channel: Channel = Channel.DESK_PAPER,
    **more: object,
) -> ConsentOrder:
    """A sound consent on paper, unless told otherwise."""
    text = shipped_texts().find(text_id, version=1, language="vi")
    assert text is not None
    told: dict[str, object] = {
        "facility_code": "",
        "text_id": text_id,
        "text_version": 1,
        "text_language": "vi",
        "text_hash": text.content_hash,
        "giver_id": "",
        "minor_agreed": False,
        "evidence_reference": "P-2026-0001" if channel.needs_evidence else "",
        "expire_time": None,
    }
    return ConsentOrder(
        citizen_id=citizen_id,
        purpose=purpose,
        scopes=scopes,
        channel=channel,
        **(told | more),  # type: ignore[arg-type]  # the fields of one dataclass
    )


def signed(keys: Keys, caller: Caller) -> Caller:
    """The caller with the gateway's token."""
    return Caller(
        subject=caller.subject,
        roles=caller.roles,
        facility=caller.facility,
        purpose=caller.purpose,
        token=Minter(keys.gateway).mint(caller),
    )


@asynccontextmanager
async def consent_channel(bench: ConsentBench, keys: Keys) -> AsyncIterator[WireChannel]:
    """A channel to both services behind the whole pipeline, without a socket."""
    telemetry = Telemetry("identity")
    network = LocalNetwork()
    network.register("identity", bench.part.bindings(), verifier=keys.verifier(), telemetry=telemetry)
    channel = network.channel("identity", telemetry=telemetry, sender="gateway")
    try:
        yield channel
    finally:
        await channel.close()
