"""Proposals applied and taken back, and the cases that checks open and close, on real stores."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chassis import audit
from chassis.idempotency import RequestKey
from identity_svc.domain.cases import Case, CaseCause
from identity_svc.domain.model import Demographics, FieldResult, Outcome
from identity_svc.domain.repair_errors import (
    RepairNeedsScan,
    RepairNeedsValue,
    RepairNotFound,
    RepairNotProposed,
    RepairOvertaken,
    RepairUndone,
    RepairValueWrong,
    VerificationNotFound,
)
from identity_svc.operations import Verified
from identity_svc.operations.repairs import Repaired
from identity_svc.store.quality_store import QualityStore
from tests.support.identity import CLERK, FACILITY, QUERIES_FILES, Identity, card_text
from tests.support.stores import OpenStore

OLD_ADDRESS = "Thôn Nà Phại, Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn"
NAME_DIFFERS = {"full_name": ("MISMATCH", "DIFFERENT")}


@pytest.fixture
async def identity(open_store: OpenStore, tmp_path: Path) -> Identity:
    return Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path)


def fresh_key() -> RequestKey:
    return RequestKey(method="test", request_id=str(uuid.uuid4()), fingerprint=b"f", subject=CLERK.subject)


async def apply(
    identity: Identity,
    done: Verified,
    field: str,
    code: str,
    *,
    value: str = "",
    key: RequestKey | None = None,
) -> Repaired:
    return await identity.repairs.apply(
        done.citizen.citizen_id,
        done.verification.verification_id,
        field=field,
        code=code,
        value=value,
        key=key or fresh_key(),
        caller=CLERK,
    )


async def undo(identity: Identity, repaired: Repaired) -> Repaired:
    repair = repaired.repair
    return await identity.repairs.undo(repair.citizen_id, repair.repair_id, key=fresh_key(), caller=CLERK)


async def open_cases(identity: Identity, citizen_id: str) -> list[Case]:
    store = QualityStore(identity.store.cipher)
    return await identity.db.read(lambda tx: store.open_cases_of(tx, citizen_id, as_other=True))


async def causes_of(identity: Identity, done: Verified) -> list[CaseCause]:
    return [each.cause for each in await open_cases(identity, done.citizen.citizen_id)]


def told(facts: Demographics) -> Demographics:
    """The facts without the number of their version: what a caller is told."""
    return replace(facts, version=1)


async def test_an_estimated_birth_date_keeps_the_year_alone_and_comes_back_byte_for_byte(
    identity: Identity,
) -> None:
    identity.register.results = {"birth_date": ("PARTIAL", "YEAR_ONLY")}
    done = await identity.scan(card_text(birth="01011950"))

    repaired = await apply(identity, done, "birth_date", "ESTIMATED_BIRTH_DATE")
    undone = await undo(identity, repaired)

    facts = repaired.citizen.demographics
    assert (facts.birth_date, facts.is_birth_date_estimated) == ("1950", True)
    assert (repaired.repair.value_before, repaired.repair.value_after) == ("1950-01-01", "1950")
    assert told(undone.citizen.demographics) == told(done.citizen.demographics)
    assert undone.citizen.identifiers == repaired.citizen.identifiers
    history = await identity.db.read(lambda tx: identity.store.history(tx, done.citizen.citizen_id))
    assert [each.birth_date for each in history] == ["1950-01-01", "1950", "1950-01-01"]


async def test_scanning_the_same_card_again_leaves_a_repaired_fact(identity: Identity) -> None:
    identity.register.results = {"birth_date": ("PARTIAL", "YEAR_ONLY")}
    done = await identity.scan(card_text(birth="01011950"))
    await apply(identity, done, "birth_date", "ESTIMATED_BIRTH_DATE")
    identity.clock.advance(timedelta(days=31))

    again = await identity.scan(card_text(birth="01011950"))
    newer = await identity.scan(card_text(birth="03051950", issue="01092025"))

    assert again.citizen.demographics.birth_date == "1950"
    assert newer.citizen.demographics.birth_date == "1950-05-03"


async def test_an_accepted_alias_makes_a_later_mismatch_partial_until_it_is_undone(
    identity: Identity,
) -> None:
    identity.register.results = NAME_DIFFERS
    done = await identity.scan(card_text())
    repaired = await apply(identity, done, "full_name", "ADD_NAME_ALIAS", value="Nguyễn Thị Thu Hoà")

    accepted = await identity.scan(card_text(name="NGUYỄN THỊ HOÀ"))
    reused = await identity.scan(card_text(name="NGUYỄN THỊ HOÀ"))
    numbers = await identity.identifiers.list(
        done.citizen.citizen_id, after_id="", page_size=50, caller=CLERK
    )
    await undo(identity, repaired)
    disputed = await identity.scan(card_text(name="NGUYỄN THỊ HOÀ"))

    name = next(each for each in accepted.verification.fields if each.field == "full_name")
    assert (name.result, name.reason) == (FieldResult.PARTIAL, "NAME_IS_KNOWN_ALIAS")
    assert accepted.verification.outcome is Outcome.PARTIAL
    assert reused.verification == accepted.verification
    assert numbers.name_aliases == ("Nguyễn Thị Hòa", "Nguyễn Thị Thu Hòa")
    assert disputed.verification.outcome is Outcome.DISPUTED


async def test_an_alias_never_hides_another_contradiction(identity: Identity) -> None:
    identity.register.results = NAME_DIFFERS
    done = await identity.scan(card_text())
    await apply(identity, done, "full_name", "ADD_NAME_ALIAS")
    identity.register.results = NAME_DIFFERS | {"birth_date": ("MISMATCH", "DIFFERENT")}

    again = await identity.scan(card_text())

    assert again.verification.outcome is Outcome.DISPUTED


async def test_a_missing_middle_name_is_put_in_and_the_cards_spelling_stays_an_alias(
    identity: Identity,
) -> None:
    identity.register.results = {"full_name": ("PARTIAL", "WORDS_MISSING")}
    done = await identity.scan(card_text(name="Nguyễn Hòa"))

    with pytest.raises(RepairNeedsValue):
        await apply(identity, done, "full_name", "MISSING_MIDDLE_NAME")
    for wrong in ("Trần Văn Quyết", "Nguyễn Hòa", "Hòa"):
        with pytest.raises(RepairValueWrong):
            await apply(identity, done, "full_name", "MISSING_MIDDLE_NAME", value=wrong)
    repaired = await apply(identity, done, "full_name", "MISSING_MIDDLE_NAME", value="Nguyễn Thị Hoà")

    assert repaired.citizen.demographics.full_name == "Nguyễn Thị Hòa"
    assert repaired.repair.accepted_names == ("Nguyễn Hòa",)
    undone = await undo(identity, repaired)
    assert undone.citizen.demographics.full_name == "Nguyễn Hòa"


async def test_a_former_commune_is_put_into_todays_words(identity: Identity) -> None:
    identity.register.results = {"address": ("PARTIAL", "FORMER_UNIT")}
    done = await identity.scan(card_text(address=OLD_ADDRESS))

    repaired = await apply(identity, done, "address", "OLD_COMMUNE")
    undone = await undo(identity, repaired)

    assert repaired.citizen.demographics.address == "Thôn Nà Phại, Xã Ba Bể, Tỉnh Thái Nguyên"
    assert undone.citizen.demographics.address == OLD_ADDRESS


async def test_of_a_split_commune_a_person_chooses_the_new_one(identity: Identity) -> None:
    identity.register.results = {"address": ("PARTIAL", "FORMER_UNIT")}
    address = "Xóm 1, Phường Gia Sàng, Thành phố Thái Nguyên, Tỉnh Thái Nguyên"
    done = await identity.scan(card_text(address=address))
    before = await causes_of(identity, done)

    with pytest.raises(RepairNeedsValue):
        await apply(identity, done, "address", "OLD_COMMUNE")
    with pytest.raises(RepairValueWrong):
        await apply(identity, done, "address", "OLD_COMMUNE", value="01906")
    chosen = await apply(identity, done, "address", "OLD_COMMUNE", value="05443")

    assert before == [CaseCause.ADDRESS_SPLIT]
    assert chosen.citizen.demographics.address == "Xóm 1, Phường Phan Đình Phùng, Tỉnh Thái Nguyên"
    assert await causes_of(identity, done) == []
    await undo(identity, chosen)
    assert await causes_of(identity, done) == [CaseCause.ADDRESS_SPLIT]


async def test_keeping_the_cards_value_changes_nothing_and_settles_the_doubt(identity: Identity) -> None:
    identity.register.results = {"gender": ("MISMATCH", "DIFFERENT")}
    done = await identity.scan(card_text())
    before = await causes_of(identity, done)

    repaired = await apply(identity, done, "gender", "KEEP_CARD_VALUE")
    identity.clock.advance(timedelta(days=31))
    await identity.scan(card_text())

    assert before == [CaseCause.GENDER_DIFFERS]
    assert repaired.repair.before_version == repaired.repair.after_version
    assert await causes_of(identity, done) == []


async def test_keeping_the_cards_value_brings_it_into_force(identity: Identity) -> None:
    await identity.scan(card_text())
    identity.register.results = {"birth_date": ("MISMATCH", "DIFFERENT")}
    done = await identity.scan(card_text(birth="02031991", issue="01092025"))

    repaired = await apply(identity, done, "birth_date", "KEEP_CARD_VALUE")

    assert done.citizen.demographics.birth_date == "1990-03-02"
    assert repaired.citizen.demographics.birth_date == "1991-03-02"


async def test_an_undone_repair_is_a_doubt_again(identity: Identity) -> None:
    identity.register.results = NAME_DIFFERS
    done = await identity.scan(card_text())
    repaired = await apply(identity, done, "full_name", "ADD_NAME_ALIAS")
    settled = await causes_of(identity, done)

    await undo(identity, repaired)

    assert settled == []
    assert await causes_of(identity, done) == [CaseCause.NAME_DIFFERS]


async def test_asking_for_a_correction_is_noted_and_leaves_the_case_open(identity: Identity) -> None:
    identity.register.results = NAME_DIFFERS
    done = await identity.scan(card_text())

    repaired = await apply(identity, done, "full_name", "ASK_REGISTER_CORRECTION")

    assert repaired.repair.value_before == repaired.repair.value_after
    assert await causes_of(identity, done) == [CaseCause.NAME_DIFFERS]


async def test_a_repair_whose_facts_were_overtaken_is_not_undone(identity: Identity) -> None:
    identity.register.results = {"birth_date": ("PARTIAL", "YEAR_ONLY")}
    done = await identity.scan(card_text(birth="01011950"))
    repaired = await apply(identity, done, "birth_date", "ESTIMATED_BIRTH_DATE")
    await identity.scan(card_text(birth="03051950", issue="01092025"))

    with pytest.raises(RepairOvertaken):
        await undo(identity, repaired)
    with pytest.raises(RepairOvertaken):
        await apply(identity, done, "birth_date", "ESTIMATED_BIRTH_DATE")


async def test_what_was_not_proposed_is_refused(identity: Identity) -> None:
    identity.register.results = {"full_name": ("PARTIAL", "MARKS_MISSING")}
    done = await identity.scan(card_text())

    with pytest.raises(RepairNeedsScan):
        await apply(identity, done, "full_name", "RESCAN_CARD")
    for field, code in (("full_name", "ADD_NAME_ALIAS"), ("gender", "KEEP_CARD_VALUE"), ("x", "x")):
        with pytest.raises(RepairNotProposed):
            await apply(identity, done, field, code)
    unknown = replace(done, verification=replace(done.verification, verification_id="none"))
    with pytest.raises(VerificationNotFound):
        await apply(identity, unknown, "full_name", "RESCAN_CARD")
    with pytest.raises(RepairNotFound):
        await identity.repairs.undo(done.citizen.citizen_id, "none", key=fresh_key(), caller=CLERK)


async def test_a_repair_is_done_once_undone_once_listed_and_audited(identity: Identity) -> None:
    identity.register.results = NAME_DIFFERS
    done = await identity.scan(card_text())
    key = fresh_key()

    first = await apply(identity, done, "full_name", "ADD_NAME_ALIAS", key=key)
    again = await apply(identity, done, "full_name", "ADD_NAME_ALIAS", key=key)
    undone = await undo(identity, first)
    with pytest.raises(RepairUndone):
        await undo(identity, first)

    assert again == first
    listed = await identity.repairs.list(done.citizen.citizen_id, before_id="", page_size=20, caller=CLERK)
    assert listed == [undone.repair]
    assert undone.repair.undo_subject == CLERK.subject
    entries = await identity.db.read(lambda tx: audit.entries_of(tx, subject=done.citizen.citizen_id))
    assert {"apply_repair", "undo_repair", "list_repairs"} <= {each.action for each in entries}


# --- Cases of checks ---------------------------------------------------------------------------------------


async def test_a_clean_check_opens_no_case(identity: Identity) -> None:
    done = await identity.scan(card_text())

    assert await causes_of(identity, done) == []


async def test_each_field_that_fails_opens_its_case_where_the_card_was_shown(identity: Identity) -> None:
    identity.register.results = {
        "full_name": ("MISMATCH", "DIFFERENT"),
        "birth_date": ("PARTIAL", "YEAR_SAME"),
        "gender": ("MISMATCH", "DIFFERENT"),
        "address": ("MISMATCH", "DIFFERENT"),
    }
    done = await identity.scan(card_text())

    cases = await open_cases(identity, done.citizen.citizen_id)
    assert {(each.cause, each.field) for each in cases} == {
        (CaseCause.NAME_DIFFERS, "full_name"),
        (CaseCause.BIRTH_DATE_DIFFERS, "birth_date"),
        (CaseCause.GENDER_DIFFERS, "gender"),
    }
    assert {each.facility_code for each in cases} == {FACILITY}
    assert {each.evidence["verification"] for each in cases} == {done.verification.verification_id}


async def test_a_later_clean_check_of_the_same_card_closes_the_case(identity: Identity) -> None:
    identity.register.results = NAME_DIFFERS
    await identity.scan(card_text())
    identity.register.results = {}

    clean = await identity.scan(card_text())

    assert await causes_of(identity, clean) == []


async def test_a_recheck_opens_and_closes_cases_like_a_scan(identity: Identity) -> None:
    identity.register.found = False
    await identity.scan(card_text())
    identity.register.found = True
    identity.register.unheard = "REGISTER_TIMEOUT"
    waiting = await identity.scan(card_text())
    before = await causes_of(identity, waiting)
    identity.register.unheard = ""
    identity.clock.advance(timedelta(seconds=6))

    await identity.scan(card_text())

    assert before == [CaseCause.NUMBER_NOT_IN_REGISTER]
    assert await causes_of(identity, waiting) == []


async def test_another_person_under_the_number_opens_a_case_and_no_other_doubt(identity: Identity) -> None:
    await identity.scan(card_text())
    identity.register.results = NAME_DIFFERS | {"birth_date": ("MISMATCH", "DIFFERENT")}

    forged = await identity.scan(card_text(name="Trần Văn Quyết", birth="11111965"))

    assert await causes_of(identity, forged) == [CaseCause.STORED_PERSON_DIFFERS]


async def test_a_damaged_card_is_a_case_until_it_is_read_well(identity: Identity) -> None:
    damaged = await identity.scan(card_text(name="Nguy?n Th? Hòa"))
    before = await causes_of(identity, damaged)

    good = await identity.scan(card_text())

    assert before == [CaseCause.TEXT_DAMAGED]
    assert await causes_of(identity, good) == []


async def test_an_address_that_leads_nowhere_is_a_case_until_one_does(identity: Identity) -> None:
    lost = await identity.scan(card_text(address="Xã Không Có, Tỉnh Bắc Kạn"))
    before = await causes_of(identity, lost)

    moved = await identity.scan(card_text(address="Xã Ba Bể, Tỉnh Thái Nguyên", issue="01092025"))

    assert before == [CaseCause.ADDRESS_UNRESOLVED]
    assert await causes_of(identity, moved) == []


async def test_repairs_show_no_personal_value_in_their_repr(identity: Identity) -> None:
    identity.register.results = NAME_DIFFERS
    done = await identity.scan(card_text())

    repaired = await apply(identity, done, "full_name", "ADD_NAME_ALIAS", value="Nguyễn Thị Thu Hoà")

    for secret in ("Nguyễn", "Hòa", "099190000017"):
        assert secret not in repr(repaired)
