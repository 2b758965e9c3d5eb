"""A citizen in the making: one mutable set of values that a class of dirt may spoil before it is frozen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from sandbox.communes import Commune
from sandbox.person import CitizenCard, InsuranceCard, PastVisit, Person, PortalEntry, RegisterEntry


@dataclass(slots=True, kw_only=True)
class Draft:
    """Starts clean: card, register and portal agree and the card is issued under the new units."""

    year: int
    """The year whose cards are valid."""
    personal_number: str
    former_number: str
    social_number: str
    gender: str
    place: str
    """Hamlet or street."""
    commune: Commune
    card_name: str
    register_name: str
    portal_name: str
    birth_date: date
    register_birth: str
    portal_birth: str
    card_address: str
    portal_address: str
    issue_date: date
    insurance: InsuranceCard
    new_insurance: InsuranceCard | None = None
    printed_number: str = ""
    status_code: str = "000"
    area_code: str = ""
    visits: tuple[PastVisit, ...] = ()
    is_in_register: bool = True
    is_in_portal: bool = True

    def rename(self, full_name: str) -> None:
        """Give the person this name everywhere."""
        self.card_name = self.register_name = self.portal_name = full_name

    def move_to(self, commune: Commune) -> None:
        """Let the person live here everywhere, the card issued under the new units."""
        self.commune = commune
        self.card_address = self.portal_address = commune.new_address(self.place)
        self.area_code = "K1" if commune.old_province_code == "06" else ""

    def use_old_address(self) -> None:
        """Card and portal keep the three-tier address and a card of before 1 July 2025."""
        self.card_address = self.portal_address = self.commune.old_address(self.place)
        self.issue_date = self.issue_date.replace(year=2022)

    def recode_insurance(self, *, group: str, level: str, province: str) -> None:
        """Give the insurance card another group, level and province part."""
        number = f"{group}{level}{province}{self.social_number}"
        self.insurance = replace(self.insurance, number=number)

    def freeze(self, index: int, dirt: tuple[str, ...]) -> Person:
        """The finished person."""
        return Person(
            index=index,
            dirt=dirt,
            card=CitizenCard(
                personal_number=self.personal_number,
                former_number=self.former_number,
                full_name=self.card_name,
                birth_date=self.birth_date,
                gender=self.gender,
                address=self.card_address,
                issue_date=self.issue_date,
            ),
            printed_insurance_number=self.printed_number or self.insurance.number,
            old_ward_code=self.commune.old_ward_code,
            new_ward_code=self.commune.new_ward_code,
            register=self._register() if self.is_in_register else None,
            portal=self._portal() if self.is_in_portal else None,
        )

    def _register(self) -> RegisterEntry:
        return RegisterEntry(
            full_name=self.register_name,
            birth_text=self.register_birth,
            gender=self.gender,
            address=self.commune.new_address(self.place),
            former_address=self.commune.old_address(self.place),
        )

    def _portal(self) -> PortalEntry:
        return PortalEntry(
            social_number=self.social_number,
            full_name=self.portal_name,
            birth_text=self.portal_birth,
            gender=self.gender,
            address=self.portal_address,
            office=f"Bảo hiểm xã hội {self.commune.new_province[:1].lower()}{self.commune.new_province[1:]}",
            card=self.insurance,
            new_card=self.new_insurance,
            status_code=self.status_code,
            area_code=self.area_code,
            five_year_date=date(self.year - 1, 6, 1),
            visits=self.visits,
        )
