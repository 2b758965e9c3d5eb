"""The statement readers on public samples' oddities and on the shapes of Vietnamese banks.

The MT940 texts with 30 February, amount forms, wrapped details and a missing entry date are from the test files of
the mt-940 library (BSD-3-Clause); the duplicate-line and multi-statement camt texts follow the public samples of
bankstatementparser (Apache-2.0 OR MIT) and genkgo/camt (MIT). Each is shortened to what the claim needs.
"""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_svc.domain.errors import StatementUnreadable
from payment_svc.domain.readers import StatementFormat, read_statements
from payment_svc.domain.readers.bank_csv import read_bank_csv
from payment_svc.domain.readers.camt053 import read_camt053
from payment_svc.domain.readers.mt940 import read_mt940
from payment_svc.domain.statement import LineFault, StatementLine, is_trusted_reference, line_ids
from standards.payment_reference import find_references, make_reference

CODE = make_reference(b"statement readers")
DAY = date(2026, 3, 2)


def entry(
    amount: str = "500000", *, status: str = "<Sts>BOOK</Sts>", sign: str = "CRDT", more: str = ""
) -> str:
    return (
        f'<Ntry><Amt Ccy="VND">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{status}'
        f"<BookgDt><Dt>2026-03-02</Dt></BookgDt>{more}</Ntry>"
    )


def camt(*entries: str, opening: int = 1_000_000, closing: int = 1_500_000, namespace: str = "08") -> bytes:
    xmlns = f' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{namespace}"' if namespace else ""
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="VND">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>'
        for code, amount in (("OPBD", opening), ("CLBD", closing))
    )
    return (
        f"<Document{xmlns}><BkToCstmrStmt><Stmt><Id>S1</Id><Acct><Id><Othr><Id>0011</Id></Othr></Id></Acct>"
        f"{balances}{''.join(entries)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


# camt.053


@pytest.mark.parametrize("namespace", ["02", "04", "08", ""])
def test_camt_of_every_version_and_without_a_namespace_is_read(namespace: str) -> None:
    (statement,) = read_camt053(camt(entry(), namespace=namespace))

    assert (statement.account, statement.number, statement.is_proved) == ("0011", "S1", True)
    assert [(line.booking_date, line.amount_vnd) for line in statement.lines] == [(DAY, 500_000)]


def test_camt_keeps_two_real_equal_lines() -> None:
    (statement,) = read_camt053(camt(entry(), entry(), closing=2_000_000))

    assert len(statement.lines) == 2
    assert len(set(line_ids("0011", statement.lines))) == 2


@pytest.mark.parametrize("status", ["<Sts>PDNG</Sts>", "<Sts><Cd>INFO</Cd></Sts>"])
def test_camt_leaves_out_what_is_not_booked(status: str) -> None:
    (statement,) = read_camt053(camt(entry(status=status), closing=1_000_000))

    assert (statement.lines, statement.bad_lines, statement.is_proved) == ((), (), True)


def test_camt_takes_a_batch_apart_when_its_parts_add_up() -> None:
    def part(amount: int, reference: str) -> str:
        return (
            f"<TxDtls><Refs><AcctSvcrRef>{reference}</AcctSvcrRef></Refs>"
            f'<Amt Ccy="VND">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
            f"<RmtInf><Ustrd>{CODE}</Ustrd></RmtInf></TxDtls>"
        )

    def batch(last: int) -> str:
        return f"<NtryDtls>{part(300_000, 'R1')}{part(last, 'R2')}</NtryDtls>"

    (fits,) = read_camt053(camt(entry(more=batch(200_000))))
    (differs,) = read_camt053(camt(entry(more=batch(100_000))))

    assert [(line.amount_vnd, line.bank_reference) for line in fits.lines] == [
        (300_000, "R1"),
        (200_000, "R2"),
    ]
    assert [line.amount_vnd for line in differs.lines] == [500_000]


def test_camt_does_not_take_the_payer_s_reference_for_the_bank_s() -> None:
    details = "<NtryDtls><TxDtls><Refs><EndToEndId>PAYER-000017</EndToEndId></Refs></TxDtls></NtryDtls>"

    (statement,) = read_camt053(camt(entry(more=details)))

    assert statement.lines[0].bank_reference == ""


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (entry("12..34"), LineFault.AMOUNT),
        (entry("500000.50"), LineFault.AMOUNT),
        (entry("0"), LineFault.AMOUNT),
        (entry(sign="XXXX"), LineFault.DIRECTION),
        (entry().replace("VND", "EUR"), LineFault.CURRENCY),
        (entry().replace("2026-03-02", "2026-02-30"), LineFault.DATE),
    ],
)
def test_camt_quarantines_a_bad_entry_and_keeps_the_rest(bad: str, fault: LineFault) -> None:
    (statement,) = read_camt053(camt(bad, entry()))

    assert [item.fault for item in statement.bad_lines] == [fault]
    assert len(statement.lines) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"<Document>",
        b"not xml",
        b"<Document><BkToCstmrDbtCdtNtfctn/></Document>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><Document>&a;</Document>',
        b'<?xml version="1.0" encoding="no-such"?><Document/>',
        b"<Document><BkToCstmrStmt>" + b"<a>" * 60,
    ],
)
def test_camt_that_is_none_is_refused_whole(content: bytes) -> None:
    with pytest.raises(StatementUnreadable):
        read_camt053(content)


def test_camt_moments_late_in_the_day_keep_their_vietnamese_day() -> None:
    content = camt(entry()).replace(b"<Dt>2026-03-02</Dt>", b"<DtTm>2026-03-02T16:59:59Z</DtTm>")
    next_day = content.replace(b"16:59:59Z", b"17:00:00Z")

    assert read_camt053(content)[0].lines[0].booking_date == date(2026, 3, 2)
    assert read_camt053(next_day)[0].lines[0].booking_date == date(2026, 3, 3)


# MT940


def mt940(*lines: str, opening: str = "C260301VND1000000,", closing: str = "C260302VND1500000,") -> bytes:
    text = "\r\n".join(
        [":20:S1", ":25:BFTVVNVX/0011", ":28C:00017/001", f":60F:{opening}", *lines, f":62F:{closing}"]
    )
    return (text + "\r\n-\r\n").encode()


def test_mt940_is_read_with_its_proof() -> None:
    (statement,) = read_mt940(mt940(":61:2603020302C500000,NTRFNONREF//FT2606100001", f":86:CK {CODE}"))

    assert (statement.account, statement.number, statement.is_proved) == ("0011", "00017/001", True)
    assert statement.lines[0] == StatementLine(
        booking_date=DAY, amount_vnd=500_000, bank_reference="FT2606100001", text=f"CK {CODE}"
    )


def test_mt940_wrapped_in_the_middle_of_a_code_still_shows_the_code() -> None:
    (statement,) = read_mt940(
        mt940(":61:2603020302C500000,NTRFNONREF", f":86:CK {CODE[:5]}\r\n{CODE[5:9]}?21{CODE[9:]}")
    )

    assert find_references(statement.lines[0].text) == (CODE,)


def test_mt940_with_30_february_is_quarantined_and_not_shifted() -> None:
    content = (
        b":20:STARTUMSE\n:25:12345678/1020304050\n:28C:00000/001\n:60F:C160229EUR1200,00\n"
        b":61:1602300301DR6,00N024NONREF\n:86:805?00ENTGELTABSCHLUSS\n:62F:C160301EUR1194,00\n-\n"
    )

    (statement,) = read_mt940(content, currency="EUR")

    assert [item.fault for item in statement.bad_lines] == [LineFault.DATE]
    assert (statement.lines, statement.difference_vnd, statement.is_proved) == ((), 6, False)


def test_mt940_proves_each_statement_of_a_file_by_itself() -> None:
    first = mt940(":61:2603020302C500000,NTRFNONREF//FT2606100001")
    second = mt940(":61:2603030303D1,NTRFNONREF", opening="C260302VND1500000,", closing="C260303VND7,")

    statements = read_mt940(first + second)

    assert [statement.is_proved for statement in statements] == [True, False]


@pytest.mark.parametrize(
    ("mark", "sign"), [("C", 1), ("D", -1), ("RC", -1), ("RD", 1), ("CR", 1), ("DR", -1)]
)
def test_mt940_reversals_turn_the_direction(mark: str, sign: int) -> None:
    (statement,) = read_mt940(mt940(f":61:2603020302{mark}500000,NTRFNONREF"))

    assert statement.lines[0].amount_vnd == sign * 500_000


def test_mt940_without_an_entry_date_takes_the_value_date_and_the_year_turns_at_new_year() -> None:
    (missing,) = read_mt940(mt940(":61:260302C500000,NTRFNONREF"))
    (turned,) = read_mt940(mt940(":61:2601011231C500000,NTRFNONREF"))

    assert missing.lines[0].booking_date == DAY
    assert turned.lines[0].booking_date == date(2025, 12, 31)


@pytest.mark.parametrize("amount", ["12,,34", "1,5", "500000,10", ","])
def test_mt940_with_a_bad_amount_quarantines_that_line_and_its_text(amount: str) -> None:
    (statement,) = read_mt940(
        mt940(
            ":61:2603020302C500000,NTRFNONREF",
            ":86:good",
            f":61:2603020302C{amount}NTRFNONREF",
            ":86:belongs to the bad one",
        )
    )

    assert [line.text for line in statement.lines] == ["good"]
    assert len(statement.bad_lines) == 1


def test_mt940_bytes_that_are_not_utf8_are_read() -> None:
    (statement,) = read_mt940(mt940(":61:2603020302C500000,NTRFNONREF", ":86:UMS").replace(b"UMS", b"\xdcMS"))

    assert len(statement.lines) == 1


def test_mt940_never_writes_what_it_reads_to_a_log(caplog: pytest.LogCaptureFixture) -> None:
    read_mt940(mt940(":61:bad line of NGUYEN VAN PLANTED"))

    assert "PLANTED" not in caplog.text


# CSV

HEADER = "STT,Ngày giao dịch / Transaction date,Số tham chiếu,Ghi nợ / Debit,Ghi có / Credit,Số dư,Nội dung"


def csv_of(*rows: str, top: str = "Số dư đầu kỳ,1.000.000") -> bytes:
    return "\r\n".join([top, HEADER, *rows]).encode("utf-8-sig")


@pytest.mark.parametrize(
    ("written", "amount_vnd"),
    [
        ('"500,000"', 500_000),
        ("500.000", 500_000),
        ('"1,234,567.00"', 1_234_567),
        ('"1.234.567,00"', 1_234_567),
        ("500000", 500_000),
        ("500000.0", 500_000),
        ("500.000 VND", 500_000),
        ("500 000 đ", 500_000),
    ],
)
def test_csv_amounts_with_commas_or_dots_are_whole_dong(written: str, amount_vnd: int) -> None:
    (statement,) = read_bank_csv(csv_of(f"1,02/03/2026,FT1,,{written},,x"))

    assert statement.lines[0].amount_vnd == amount_vnd


@pytest.mark.parametrize("written", ["12..34", "1.2345", '"1,23"', "abc", "1.5", '"1.234,567"', "0"])
def test_csv_amounts_that_could_mean_two_things_are_quarantined(written: str) -> None:
    (statement,) = read_bank_csv(csv_of(f"1,02/03/2026,FT1,,{written},,x"))

    assert (len(statement.lines), len(statement.bad_lines)) == (0, 1)


def test_csv_debits_and_credits_and_the_running_balance_prove_each_other() -> None:
    (statement,) = read_bank_csv(
        csv_of(
            '1,02/03/2026,FT1,,"500,000","1,500,000",x', '2,02/03/2026,FT2,"200,000",,"1,300,000",y', top="x"
        )
    )

    assert [line.amount_vnd for line in statement.lines] == [500_000, -200_000]
    assert (statement.opening_vnd, statement.closing_vnd, statement.is_proved) == (1_000_000, 1_300_000, True)


def test_csv_newest_first_is_proved_too() -> None:
    (statement,) = read_bank_csv(
        csv_of(
            '1,03/03/2026,FT2,"200,000",,"1,300,000",y', '2,02/03/2026,FT1,,"500,000","1,500,000",x', top="x"
        )
    )

    assert statement.is_proved
    assert [line.bank_reference for line in statement.lines] == ["FT1", "FT2"]


def test_csv_one_column_with_parentheses_or_minus_is_read() -> None:
    content = "Ngày;Diễn giải;Số tiền\n02/03/2026;a;(1.234)\n02/03/2026;b;-5.000\n02/03/2026;c;7.000".encode()

    (statement,) = read_bank_csv(content)

    assert [line.amount_vnd for line in statement.lines] == [-1_234, -5_000, 7_000]


def test_csv_dates_mixed_with_numbers_and_times_are_found() -> None:
    (statement,) = read_bank_csv(
        csv_of('1,"17\n02/03/2026 23:59:59",FT1,,500000,,x', '2,"30/02/2026",FT2,,500000,,x')
    )

    assert [line.booking_date for line in statement.lines] == [DAY]
    assert [item.fault for item in statement.bad_lines] == [LineFault.DATE]


def test_csv_texts_broken_over_rows_and_lines_join_without_a_blank() -> None:
    (statement,) = read_bank_csv(
        csv_of(f'1,02/03/2026,FT1,,500000,,"CK {CODE[:4]}\n{CODE[4:7]}"', f",,,,,,{CODE[7:]}")
    )

    assert len(statement.lines) == 1
    assert find_references(statement.lines[0].text) == (CODE,)


def test_csv_total_rows_and_blank_rows_are_no_lines() -> None:
    (statement,) = read_bank_csv(
        csv_of(
            '1,02/03/2026,FT1,,500000,,"x"',
            "",
            ",Cộng phát sinh / Total,,,500000,,",
            "Số dư cuối kỳ,1.500.000",
        )
    )

    assert (len(statement.lines), statement.bad_lines, statement.is_proved) == (1, (), True)


def test_csv_in_utf16_is_read_and_without_labels_is_refused() -> None:
    rows = f"{HEADER}\r\n1,02/03/2026,FT1,,500000,,x"

    assert len(read_bank_csv(rows.encode("utf-16"))[0].lines) == 1
    with pytest.raises(StatementUnreadable):
        read_bank_csv(b"a,b,c\n1,2,3")


# Keys


def test_a_line_has_one_key_in_every_form_and_another_for_its_second_occurrence() -> None:
    plain = StatementLine(booking_date=DAY, amount_vnd=5, bank_reference="FT2606100001", text="a b")
    other_form = StatementLine(booking_date=DAY, amount_vnd=5, bank_reference="ft2606100001", text="A\nB c")

    first, second = line_ids("0011", [plain, plain])

    assert line_ids("0011", [other_form]) == [first]
    assert first != second
    assert line_ids("0022", [plain]) != [first]


@pytest.mark.parametrize("reference", ["", "NONREF", "NOTPROVIDED", "000000", "ABCDEF", "12345"])
def test_a_reference_that_says_nothing_is_not_trusted(reference: str) -> None:
    assert not is_trusted_reference(reference)


@given(st.sampled_from(StatementFormat), st.binary(max_size=400))
def test_no_bytes_make_a_reader_fail_otherwise_than_as_unreadable(
    form: StatementFormat, content: bytes
) -> None:
    with contextlib.suppress(StatementUnreadable):
        assert read_statements(form, content)


@given(
    st.lists(st.integers(min_value=-(10**12), max_value=10**12).filter(bool), max_size=8),
    st.data(),
)
def test_damaged_statements_are_read_or_refused_and_never_crash(
    amounts: list[int], data: st.DataObject
) -> None:
    good = mt940(*(f":61:2603020302{'C' if a > 0 else 'D'}{abs(a)},NTRFNONREF" for a in amounts))
    at = data.draw(st.integers(min_value=0, max_value=len(good) - 1))
    damaged = good[:at] + data.draw(st.binary(max_size=3)) + good[at + 1 :]

    for content in (damaged, damaged[:at]):
        try:
            statements = read_mt940(content)
        except StatementUnreadable:
            continue
        assert sum(len(s.lines) + len(s.bad_lines) for s in statements) <= len(amounts) + 1
