"""Read the code on a paper insurance card, and the citizen its number leads to; nothing is stored but the look-up."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.rpc.context import Caller
from identity_svc.domain.chip import compare
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.model import Citizen, FieldCheck, IdentifierKind
from identity_svc.operations.read_citizen import ReadCitizen
from standards.insurance_card import InsuranceNumberKind
from standards.insurance_qr import InsuranceQr, parse_insurance_qr

_KINDS = {
    InsuranceNumberKind.BHXH10: IdentifierKind.INSURANCE_NUMBER,
    InsuranceNumberKind.CARD15: IdentifierKind.INSURANCE_CARD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceCardRead:
    """What a paper card says, and whom it leads to."""

    card: InsuranceQr
    kind: IdentifierKind
    citizen: Citizen | None
    checks: tuple[FieldCheck, ...]
    """Card against the citizen; empty without one."""


class ReadInsuranceCard:
    """The verb ReadInsuranceCard."""

    def __init__(self, read_citizen: ReadCitizen) -> None:
        self._read_citizen = read_citizen

    async def __call__(self, text: str, caller: Caller) -> InsuranceCardRead:
        """Read a card's code; a number that leads to nobody is an answer, too.

        Raises:
            FormatError: as standards.insurance_qr.parse_insurance_qr says.
        """
        card = parse_insurance_qr(text)
        kind = _KINDS[card.number.kind]
        citizen = await self._find(kind, card.number.text, caller)
        if citizen is None and kind is IdentifierKind.INSURANCE_CARD and card.number.bhxh_number:
            # The last ten characters of a card are the social insurance number, which is held more often.
            citizen = await self._find(IdentifierKind.INSURANCE_NUMBER, card.number.bhxh_number, caller)
        return InsuranceCardRead(
            card=card, kind=kind, citizen=citizen, checks=() if citizen is None else _checks(card, citizen)
        )

    async def _find(self, kind: IdentifierKind, value: str, caller: Caller) -> Citizen | None:
        try:
            return await self._read_citizen.resolve(kind, value, caller)
        except CitizenNotFound:
            return None


def _checks(card: InsuranceQr, citizen: Citizen) -> tuple[FieldCheck, ...]:
    stored = citizen.demographics
    return compare(
        {
            "full_name": (card.full_name, stored.full_name),
            "birth_date": (card.birth_date, stored.birth_date),
            "gender": (card.gender, stored.gender),
        }
    )
