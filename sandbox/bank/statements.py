"""Statement files of one account and day: camt.053 (versions 08 and 02), MT940, Vietnamese CSV."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import date

from sandbox.bank.book import VIETNAM, BankRefusedError, BankTransaction, StatementDay
from sandbox.vietnamese import bank_ascii

_BIC = "BFTVVNVX"
_SWIFT_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ")


def _add(parent: ET.Element, path: str, text: str = "") -> ET.Element:
    """Add nested elements along a path; the last carries the text."""
    for name in path.split("/"):
        parent = ET.SubElement(parent, name)
    if text:
        parent.text = text
    return parent


def _amount(parent: ET.Element, amount_vnd: int) -> None:
    _add(parent, "Amt", str(abs(amount_vnd))).set("Ccy", "VND")
    _add(parent, "CdtDbtInd", "CRDT" if amount_vnd >= 0 else "DBIT")


def _balance(statement: ET.Element, code: str, amount_vnd: int, day: date) -> None:
    balance = _add(statement, "Bal")
    _add(balance, "Tp/CdOrPrtry/Cd", code)
    _amount(balance, amount_vnd)
    _add(balance, "Dt/Dt", day.isoformat())


def _party(parent: ET.Element, name: str, text: str, *, is_v8: bool) -> None:
    _add(parent, f"{name}/Pty/Nm" if is_v8 else f"{name}/Nm", text[:140])


def _entry(statement: ET.Element, item: BankTransaction, *, is_v8: bool) -> None:
    entry = _add(statement, "Ntry")
    _add(entry, "NtryRef", str(item.sequence))
    _amount(entry, item.signed_vnd)
    if item.reverses:
        _add(entry, "RvslInd", "true")
    _add(entry, "Sts/Cd" if is_v8 else "Sts", "BOOK")
    _add(entry, "BookgDt/DtTm", item.booked_time.astimezone(VIETNAM).isoformat(timespec="seconds"))
    _add(entry, "ValDt/Dt", item.booking_date.isoformat())
    _add(entry, "AcctSvcrRef", item.reference)
    kind = _add(entry, "BkTxCd/Domn")
    _add(kind, "Cd", "PMNT")
    family = _add(kind, "Fmly")
    _add(family, "Cd", "RCDT" if item.is_credit else "ICDT")
    _add(family, "SubFmlyCd", "DMCT")
    details = _add(entry, "NtryDtls/TxDtls")
    references = _add(details, "Refs")
    _add(references, "AcctSvcrRef", item.reference)
    _add(references, "EndToEndId", item.invoice_id[:35] or "NOTPROVIDED")
    if is_v8:
        _amount(details, item.signed_vnd)
    parties = _add(details, "RltdPties")
    side = "Dbtr" if item.is_credit else "Cdtr"
    _party(parties, side, item.payer_name, is_v8=is_v8)
    _add(parties, f"{side}Acct/Id/Othr/Id", item.payer_account)
    remittance = _add(details, "RmtInf")
    for start in range(0, len(item.content), 140):
        _add(remittance, "Ustrd", item.content[start : start + 140])


def _camt053(day: StatementDay, version: str) -> bytes:
    is_v8 = version == "08"
    document = ET.Element("Document", xmlns=f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}")
    message = _add(document, "BkToCstmrStmt")
    created = day.create_time.astimezone(VIETNAM).isoformat(timespec="seconds")
    header = _add(message, "GrpHdr")
    _add(header, "MsgId", f"{day.account.number}-{day.day:%Y%m%d}")
    _add(header, "CreDtTm", created)
    statement = _add(message, "Stmt")
    _add(statement, "Id", f"{day.account.number}-{day.number}")
    _add(statement, "ElctrncSeqNb", str(day.number))
    _add(statement, "CreDtTm", created)
    period = _add(statement, "FrToDt")
    _add(period, "FrDtTm", f"{day.day.isoformat()}T00:00:00+07:00")
    _add(period, "ToDtTm", f"{day.day.isoformat()}T23:59:59+07:00")
    account = _add(statement, "Acct")
    _add(account, "Id/Othr/Id", day.account.number)
    _add(account, "Ccy", "VND")
    _add(account, "Ownr/Nm", day.account.owner)
    _add(account, "Svcr/FinInstnId/BICFI" if is_v8 else "Svcr/FinInstnId/BIC", _BIC)
    _balance(statement, "OPBD", day.opening_vnd, day.day)
    _balance(statement, "CLBD", day.closing_vnd, day.day)
    for item in day.transactions:
        _entry(statement, item, is_v8=is_v8)
    return bytes(ET.tostring(document, encoding="UTF-8", xml_declaration=True))


def _swift_text(text: str) -> str:
    return "".join(sign if sign in _SWIFT_LETTERS else " " for sign in bank_ascii(text))


def _mt940_amount(amount_vnd: int) -> str:
    # The comma is mandatory in MT940 also for a currency without a smaller unit.
    return f"{abs(amount_vnd)},"


def _mt940(day: StatementDay) -> bytes:
    def balance(amount_vnd: int) -> str:
        return f"{'C' if amount_vnd >= 0 else 'D'}{day.day:%y%m%d}VND{_mt940_amount(amount_vnd)}"

    lines = [
        f":20:ST{day.day:%y%m%d}{day.number:05d}",
        f":25:{_BIC}/{day.account.number}",
        f":28C:{day.number:05d}/001",
        f":60F:{balance(day.opening_vnd)}",
    ]
    for item in day.transactions:
        mark = ("R" if item.reverses else "") + ("C" if item.is_credit != bool(item.reverses) else "D")
        customer_reference = _swift_text(item.invoice_id)[:16].strip() or "NONREF"
        lines.append(
            f":61:{item.booking_date:%y%m%d%m%d}{mark}{_mt940_amount(item.amount_vnd)}"
            f"NTRF{customer_reference}//{item.reference}"
        )
        text = "".join(_swift_text(part) for part in item.content.split("\n"))[: 6 * 65]
        lines.append(":86:" + "\r\n".join(text[at : at + 65] for at in range(0, len(text), 65)))
    lines.append(f":62F:{balance(day.closing_vnd)}")
    lines.append("-")
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _csv(day: StatementDay) -> bytes:
    """Bilingual header rows, dd/mm/yyyy, comma thousands, debit and credit apart, running balance."""
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\r\n")
    table.writerow(["SAO KÊ TÀI KHOẢN / ACCOUNT STATEMENT"])
    table.writerow(["Số tài khoản / Account No", day.account.number])
    table.writerow(["Chủ tài khoản / Account name", day.account.owner])
    table.writerow(["Loại tiền / Currency", "VND"])
    table.writerow(["Từ ngày / From", f"{day.day:%d/%m/%Y}", "Đến ngày / To", f"{day.day:%d/%m/%Y}"])
    table.writerow(["Số dư đầu kỳ / Opening balance", f"{day.opening_vnd:,}"])
    table.writerow([])
    table.writerow(
        [
            "STT\nNo",
            "Ngày giao dịch\nTransaction date",
            "Số tham chiếu\nReference",
            "Ghi nợ\nDebit",
            "Ghi có\nCredit",
            "Số dư\nBalance",
            "Nội dung\nDescription",
        ]
    )
    balance_vnd = day.opening_vnd
    for number, item in enumerate(day.transactions, start=1):
        balance_vnd += item.signed_vnd
        debit, credit = ("", f"{item.amount_vnd:,}") if item.is_credit else (f"{item.amount_vnd:,}", "")
        stamp = item.booked_time.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M:%S")
        table.writerow([number, stamp, item.reference, debit, credit, f"{balance_vnd:,}", item.content])
    assert balance_vnd == day.closing_vnd, "the running balance must end at the closing balance"
    debit_vnd = sum(item.amount_vnd for item in day.transactions if not item.is_credit)
    credit_vnd = sum(item.amount_vnd for item in day.transactions if item.is_credit)
    table.writerow(["", "Cộng phát sinh / Total", "", f"{debit_vnd:,}", f"{credit_vnd:,}", "", ""])
    table.writerow(["Số dư cuối kỳ / Closing balance", f"{day.closing_vnd:,}"])
    return buffer.getvalue().encode("utf-8-sig")


_WRITERS: dict[str, tuple[str, Callable[[StatementDay], bytes]]] = {
    "camt053": ("application/xml", lambda day: _camt053(day, "08")),
    "camt053v2": ("application/xml", lambda day: _camt053(day, "02")),
    "mt940": ("text/plain", _mt940),
    "csv": ("text/csv", _csv),
}
FORMATS = tuple(_WRITERS)


def write_statement(day: StatementDay, form: str) -> tuple[str, bytes]:
    """The content type and the bytes of a statement file.

    Args:
        form: camt053, camt053v2, mt940 or csv.
    Raises:
        BankRefusedError: another form.
    """
    if form not in _WRITERS:
        raise BankRefusedError(f"format must be of {', '.join(FORMATS)}")
    content_type, write = _WRITERS[form]
    return content_type, write(day)
