"""The reconciliation engine as a pure function."""

from __future__ import annotations

from datetime import date

from payment_svc.domain.matching import OpenCollection, OpenLine, Outcome, Verdict, match

DAY = date(2026, 3, 2)
INTENTS = {"CODE-A": "intent-a", "CODE-B": "intent-b"}


def line(
    name: str, amount_vnd: int, *, ref: str = "", codes: tuple[str, ...] = (), text: bytes = b""
) -> OpenLine:
    return OpenLine(
        line_id=name,
        booking_date=DAY,
        amount_vnd=amount_vnd,
        bank_reference=ref,
        codes=codes,
        text_hash=text,
    )


def told(name: str, amount_vnd: int, *, ref: str = "", intent: str = "", text: bytes = b"") -> OpenCollection:
    return OpenCollection(
        collection_id=name, amount_vnd=amount_vnd, bank_reference=ref, intent_id=intent, text_hash=text
    )


def run(lines: list[OpenLine], collections: list[OpenCollection]) -> dict[str, Verdict]:
    return {verdict.line_id: verdict for verdict in match(lines, collections, intents=INTENTS)}


def test_an_equal_bank_reference_matches_whatever_the_text_says() -> None:
    found = run([line("l1", 500, ref="ft-100001")], [told("c1", 500, ref="FT100001", intent="intent-a")])

    assert (found["l1"].outcome, found["l1"].collection_ids) == (Outcome.BANK_REFERENCE, ("c1",))


def test_an_equal_bank_reference_with_another_amount_is_a_mismatch() -> None:
    found = run([line("l1", 450, ref="FT100001")], [told("c1", 500, ref="FT100001")])

    assert (found["l1"].outcome, found["l1"].collection_ids) == (Outcome.AMOUNT_MISMATCH, ("c1",))


def test_a_reference_that_two_lines_share_proves_nothing() -> None:
    found = run(
        [line("l1", 500, ref="BATCH00017"), line("l2", 700, ref="BATCH00017")],
        [told("c1", 500, ref="BATCH00017")],
    )

    assert {verdict.outcome for verdict in found.values()} == {Outcome.UNIDENTIFIED}


def test_a_debit_never_proves_money_that_came() -> None:
    found = run([line("l1", -500, ref="FT100001", codes=("CODE-A",))], [told("c1", 500, ref="FT100001")])

    assert found["l1"].outcome is Outcome.UNEXPLAINED_DEBIT


def test_a_code_matches_money_of_its_intent_with_the_same_amount_once() -> None:
    found = run(
        [line("l1", 500, codes=("CODE-A",)), line("l2", 500, codes=("CODE-A",))],
        [told("c1", 500, ref="T1", intent="intent-a")],
    )

    assert sorted(verdict.outcome for verdict in found.values()) == [
        Outcome.POST_FROM_LINE,
        Outcome.REFERENCE_CODE,
    ]


def test_a_code_without_a_notification_is_posted_from_the_line() -> None:
    found = run([line("l1", 500, codes=("CODE-A",))], [])

    assert (found["l1"].outcome, found["l1"].intent_id) == (Outcome.POST_FROM_LINE, "intent-a")


def test_a_sound_code_nobody_issued_is_no_reference() -> None:
    assert run([line("l1", 500, codes=("CODE-X",))], [])["l1"].outcome is Outcome.UNIDENTIFIED


def test_a_chance_code_beside_ours_does_not_hide_ours() -> None:
    assert run([line("l1", 500, codes=("CODE-X", "CODE-A"))], [])["l1"].intent_id == "intent-a"


def test_two_intents_in_one_line_are_ambiguous() -> None:
    found = run([line("l1", 500, codes=("CODE-A", "CODE-B"))], [told("c1", 500, intent="intent-a")])

    assert (found["l1"].outcome, found["l1"].collection_ids) == (Outcome.AMBIGUOUS, ())


def test_several_lines_for_one_notification_match_when_they_add_up() -> None:
    found = run(
        [line("l1", 300, codes=("CODE-A",)), line("l2", 200, codes=("CODE-A",))],
        [told("c1", 500, intent="intent-a")],
    )

    assert {verdict.outcome for verdict in found.values()} == {Outcome.REFERENCE_CODE}
    assert len({verdict.group for verdict in found.values()}) == 1


def test_other_trusted_references_with_other_amounts_are_other_payments() -> None:
    found = run(
        [line("l1", 300, ref="FT100002", codes=("CODE-A",))],
        [told("c1", 200, ref="FT100001", intent="intent-a")],
    )

    assert found["l1"].outcome is Outcome.POST_FROM_LINE


def test_one_line_and_one_notification_that_differ_without_references_are_a_mismatch() -> None:
    found = run([line("l1", 450, codes=("CODE-A",))], [told("c1", 500, ref="T1", intent="intent-a")])

    assert found["l1"].outcome is Outcome.AMOUNT_MISMATCH


def test_lines_and_notifications_that_fit_in_no_way_are_ambiguous() -> None:
    found = run(
        [line("l1", 300, codes=("CODE-A",)), line("l2", 100, codes=("CODE-A",))],
        [told("c1", 500, intent="intent-a")],
    )

    assert {verdict.outcome for verdict in found.values()} == {Outcome.AMBIGUOUS}


def test_unknown_money_matches_by_text_only_when_it_is_the_only_one() -> None:
    alone = run([line("l1", 700, text=b"t")], [told("c1", 700, text=b"t")])
    twice = run([line("l1", 700, text=b"t"), line("l2", 700, text=b"t")], [told("c1", 700, text=b"t")])

    assert alone["l1"].outcome is Outcome.SAME_TEXT
    assert {verdict.outcome for verdict in twice.values()} == {Outcome.UNIDENTIFIED}


def test_ten_equal_debts_and_one_line_without_a_code_are_never_matched() -> None:
    debts = [told(f"c{n}", 37_500, ref=f"FT10000{n}", intent=f"intent-{n}") for n in range(10)]

    assert run([line("l1", 37_500, text=b"cam on")], debts)["l1"].outcome is Outcome.UNIDENTIFIED
