"""Reads ISO 20022 camt.053 of any version, with or without a namespace, entry by entry in bounded memory."""

from __future__ import annotations

import io
from datetime import date, datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from payment_svc.domain.days import business_date
from payment_svc.domain.errors import StatementUnreadable
from payment_svc.domain.statement import (
    LINES_MAX,
    RAW_CHARS_MAX,
    TEXT_CHARS_MAX,
    BadLine,
    LineFault,
    LineFaultFound,
    Statement,
    StatementLine,
    calendar_date,
    whole_dong,
)

DEPTH_MAX = 40
"""The deepest camt.053 element stands at about 15."""
_CURRENCY = "VND"
_BOOKED = "BOOK"
_SIGNS = {"CRDT": 1, "DBIT": -1}
_REFERENCE_NAMES = ("AcctSvcrRef", "UETR", "TxId")


def read_camt053(content: bytes, *, currency: str = _CURRENCY) -> list[Statement]:
    """Every statement of a file.

    Entries that are not booked are left out. A batch entry is taken apart when its parts tell amounts that add up.

    Raises:
        StatementUnreadable: not well-formed, not a camt.053, too deep, too long, or with a DTD.
    Source: ISO 20022 camt.053.001.02 to .08; `Sts` holds a text in versions 2 to 4 and `Sts/Cd` later.
    """
    try:
        return _read(content, currency)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as cause:
        # LookupError: an encoding nobody knows. Their texts may quote the file, so only their kind goes on.
        raise StatementUnreadable(type(cause).__name__) from None


def _read(content: bytes, currency: str) -> list[Statement]:
    statements: list[Statement] = []
    current: _Builder | None = None
    path: list[str] = []
    is_bank_to_customer = False
    for event, element in iterparse(io.BytesIO(content), events=("start", "end"), forbid_dtd=True):
        element.tag = _local(element.tag)
        if event == "start":
            path.append(element.tag)
            if len(path) > DEPTH_MAX:
                raise StatementUnreadable("too_deep")
            is_bank_to_customer |= path[:2] == ["Document", "BkToCstmrStmt"]
            if path == ["Document", "BkToCstmrStmt", "Stmt"]:
                current = _Builder(currency)
            continue
        path.pop()
        if current is None or path[:3] != ["Document", "BkToCstmrStmt", "Stmt"]:
            if element.tag == "Stmt" and current is not None:
                statements.append(current.finish(element))
                current = None
                element.clear()
            continue
        if len(path) == 3 and element.tag == "Ntry":
            current.entry(element)
            element.clear()
    if not is_bank_to_customer:
        raise StatementUnreadable("not_camt053")
    return statements


class _Builder:
    """Collects one statement while its elements end."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self._lines: list[StatementLine] = []
        self._bad: list[BadLine] = []
        self._position = 0

    def entry(self, entry: Element) -> None:
        """Take one Ntry."""
        self._position += 1
        if self._position > LINES_MAX:
            raise StatementUnreadable("too_many_lines")
        if _text(entry, "Sts/Cd", _text(entry, "Sts", _BOOKED)) != _BOOKED:
            return
        try:
            self._lines.extend(_entry_lines(entry, self._currency))
        except LineFaultFound as found:
            raw = " ".join(text.strip() for text in entry.itertext() if text.strip())
            self._bad.append(BadLine(position=self._position, raw=raw[:RAW_CHARS_MAX], fault=found.fault))

    def finish(self, statement: Element) -> Statement:
        """The statement at its end tag; its entries were cleared on the way."""
        account = _text(statement, "Acct/Id/Othr/Id", _text(statement, "Acct/Id/IBAN"))
        booked = [line.booking_date for line in self._lines]
        from_date = _optional_date(statement, "FrToDt/FrDtTm") or min(booked, default=None)
        to_date = _optional_date(statement, "FrToDt/ToDtTm") or max(booked, default=None)
        return Statement(
            account=account,
            number=_text(statement, "Id")[:70],
            opening_vnd=_balance(statement, ("OPBD", "PRCD"), self._currency),
            closing_vnd=_balance(statement, ("CLBD",), self._currency),
            lines=tuple(self._lines),
            bad_lines=tuple(self._bad),
            from_date=from_date,
            to_date=to_date,
        )


def _entry_lines(entry: Element, currency: str) -> list[StatementLine]:
    amount_vnd = _amount(entry, currency)
    if amount_vnd == 0:
        raise LineFaultFound(LineFault.AMOUNT)
    booking_date = _booking_date(entry)
    reference = _text(entry, "AcctSvcrRef")
    details = entry.findall("NtryDtls/TxDtls")
    parts = [_part(detail, currency) for detail in details] if len(details) > 1 else []
    known = [part for part in parts if part is not None]
    if parts and all(known) and len(known) == len(parts) and sum(known) == amount_vnd:
        return [
            StatementLine(
                booking_date=booking_date,
                amount_vnd=part_vnd,
                bank_reference=_detail_reference(detail) or reference,
                text=_remittance(detail),
            )
            for detail, part_vnd in zip(details, known, strict=True)
        ]
    text = " ".join(_remittance(detail) for detail in details) or _text(entry, "AddtlNtryInf")
    if not reference and len(details) == 1:
        reference = _detail_reference(details[0])
    return [
        StatementLine(
            booking_date=booking_date,
            amount_vnd=amount_vnd,
            bank_reference=reference,
            text=text[:TEXT_CHARS_MAX],
        )
    ]


def _amount(element: Element, currency: str, path: str = "Amt") -> int:
    amount = element.find(path)
    if amount is None or amount.text is None:
        raise LineFaultFound(LineFault.AMOUNT)
    if amount.get("Ccy") != currency:
        raise LineFaultFound(LineFault.CURRENCY)
    sign = _SIGNS.get(_text(element, "CdtDbtInd"))
    if sign is None:
        raise LineFaultFound(LineFault.DIRECTION)
    return sign * whole_dong(amount.text)


def _part(detail: Element, currency: str) -> int | None:
    """The signed amount of one transaction inside a batch entry; None when it does not tell."""
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        if detail.find(path) is not None and detail.find("CdtDbtInd") is not None:
            return _amount(detail, currency, path)
    return None


def _detail_reference(detail: Element) -> str:
    # EndToEndId is the payer's and not unique, so it names no movement.
    return next((text for name in _REFERENCE_NAMES if (text := _text(detail, f"Refs/{name}"))), "")


def _remittance(detail: Element) -> str:
    unstructured = [node.text.strip() for node in detail.findall("RmtInf/Ustrd") if node.text]
    structured = [node.text.strip() for node in detail.findall("RmtInf/Strd/CdtrRefInf/Ref") if node.text]
    return " ".join((*unstructured, *structured))[:TEXT_CHARS_MAX]


def _balance(statement: Element, codes: tuple[str, ...], currency: str) -> int | None:
    for code in codes:
        for balance in statement.findall("Bal"):
            if _text(balance, "Tp/CdOrPrtry/Cd") == code:
                try:
                    return _amount(balance, currency)
                except LineFaultFound:
                    return None
    return None


def _booking_date(entry: Element) -> date:
    for path in ("BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm"):
        if text := _text(entry, path):
            return _to_date(text)
    raise LineFaultFound(LineFault.DATE)


def _optional_date(statement: Element, path: str) -> date | None:
    text = _text(statement, path)
    try:
        return _to_date(text) if text else None
    except LineFaultFound:
        return None


def _to_date(text: str) -> date:
    """A day; of a moment with a zone its Vietnamese day."""
    try:
        if "T" in text:
            moment = datetime.fromisoformat(text)
            return moment.date() if moment.tzinfo is None else business_date(moment)
        year, month, day = (int(part) for part in text[:10].split("-"))
    except ValueError:
        raise LineFaultFound(LineFault.DATE) from None
    return calendar_date(year, month, day)


def _text(element: Element, path: str, default: str = "") -> str:
    text = element.findtext(path)
    return default if text is None or not text.strip() else text.strip()


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
