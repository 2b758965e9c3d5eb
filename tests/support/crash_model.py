"""What a client knows to have happened, kept apart from the suite under test: the oracle of the crash tests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way in which the suite broke its word."""

    kind: str
    """lost, doubled, changed, refused, broken or unsettled."""
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


@dataclass(slots=True, kw_only=True)
class Transfer:
    """Money that the patient's bank has sent."""

    request_id: str
    amount_vnd: int
    reference: str = ""
    """The bank's own, once it has answered."""


@dataclass(slots=True, kw_only=True)
class Stay:
    """One visit as the client knows it; what is empty was not acknowledged yet."""

    person: str
    """Which card was shown; two stays of one person show the same."""
    request_id: str
    room: str
    visit: str = ""
    ticket: int = 0
    ticket_day: str = ""
    """Numbers begin again at midnight."""
    citizen: str = ""
    is_called: bool = False
    entry_count: int = 0
    discharge_request_ids: list[str] = field(default_factory=list)
    total_vnd: int = 0
    fund_vnd: int = 0
    patient_vnd: int = 0
    is_discharged: bool = False
    transfers: list[Transfer] = field(default_factory=list)

    @property
    def paid_vnd(self) -> int:
        """What the patient has sent."""
        return sum(transfer.amount_vnd for transfer in self.transfers)


@dataclass(slots=True, kw_only=True)
class Model:
    """Everything the clients were told, and how often they had to ask."""

    stays: list[Stay] = field(default_factory=list)
    """Every visit that was ever asked for; each client repeats until it is answered."""
    faults: list[Fault] = field(default_factory=list)
    sent_count: int = 0
    answered_count: int = 0
    """Requests answered whole; a repeat of one counts again."""
    repeat_count: int = 0
    unanswered: Counter[str] = field(default_factory=Counter)
    """Tries without an answer, by method and reason: their outcome was unknown to the client."""

    def blame(self, kind: str, what: str) -> None:
        """Note a broken word."""
        self.faults.append(Fault(kind=kind, what=what))

    @property
    def transfers(self) -> list[Transfer]:
        """All money sent."""
        return [transfer for stay in self.stays for transfer in stay.transfers]

    @property
    def discharged(self) -> list[Stay]:
        """Stays whose bill was acknowledged."""
        return [stay for stay in self.stays if stay.is_discharged]

    def citizens(self) -> dict[str, set[str]]:
        """The citizens each person was acknowledged as; more than one is a duplicate."""
        known: dict[str, set[str]] = {}
        for stay in self.stays:
            if stay.citizen:
                known.setdefault(stay.person, set()).add(stay.citizen)
        return known

    def expected_balances(self) -> dict[str, int]:
        """The ledger after every transfer was told, shown on a statement and reconciled; zeros left out."""
        billed = self.discharged
        paid_vnd = sum(transfer.amount_vnd for transfer in self.transfers)
        balances = {
            "BANK": paid_vnd,
            "FUND_RECEIVABLE": sum(stay.fund_vnd for stay in billed),
            "PATIENT_RECEIVABLE": sum(stay.patient_vnd for stay in billed) - paid_vnd,
            "REVENUE": -sum(stay.total_vnd for stay in billed),
        }
        assert sum(balances.values()) == 0, "the model's own books are balanced"
        return {account: amount_vnd for account, amount_vnd in balances.items() if amount_vnd}
