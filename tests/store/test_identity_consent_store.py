"""Consents, delegations, proxy codes and accounts on both databases: what is kept, what ends, what is burnt."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chassis import audit
from chassis.db.columns import to_text
from chassis.db.queries import load_queries
from chassis.db.sqlite_module import choose_sqlite
from chassis.errors import AppError, RequestIdReused
from chassis.rpc.context import Caller
from identity_svc.domain.access_words import ActorKind
from identity_svc.domain.authority import Action, Basis, Denial, EvidenceKind, Kind, Relationship
from identity_svc.domain.consent import Channel, Refusal
from identity_svc.domain.consent_errors import (
    ChannelWrong,
    ConsentNeedsGuardian,
    ConsentNotAskedFor,
    EvidenceRequired,
    MinorAgreementRequired,
    MomentInFuture,
    TextDiffers,
    TextUnknown,
)
from identity_svc.domain.consent_texts import Purpose, Scope
from identity_svc.domain.delegation_errors import (
    AccountAlreadyLinked,
    AccountCodeUnknown,
    AccountNotLinked,
    AccountOwnerTooYoung,
    CardNotVerified,
    DelegationActionWrong,
    DelegationByMinor,
    DelegationExists,
    DelegationExpiryWrong,
    DelegationNotFound,
    DelegationToSelf,
    GuardianOfAdult,
    NotAllowedToAct,
    ProxyCodeExpired,
    ProxyCodeOtherFacility,
    ProxyCodeRevoked,
    ProxyCodeUsed,
    RepresentativeNotAdult,
    TooManyAccounts,
    TooManyProxyCodes,
)
from identity_svc.operations.accounts import ACCOUNTS_MAX
from identity_svc.operations.authority import Acting
from identity_svc.operations.delegation import DelegationOrder
from identity_svc.operations.proxy_codes import CodeOrder
from tests.support.consent import (
    KIOSK,
    MOTHER,
    SERVICE,
    SON,
    TEEN,
    UNCLE,
    ConsentBench,
    citizen_caller,
    key,
    order,
)
from tests.support.identity import CLERK, FACILITY, QUERIES_FILES, Identity
from tests.support.stores import OpenStore, StoreMaker

STORM = 64
MERGES = Path(__file__).parent.parent / "support" / "identity_merges.sql"


@pytest.fixture
async def bench(open_store: OpenStore, tmp_path: Path) -> ConsentBench:
    database = await open_store("identity_svc", queries=(*QUERIES_FILES, MERGES))
    return ConsentBench(Identity(database, tmp_path), tmp_path)


async def permitted(
    bench: ConsentBench, citizen_id: str, *, at: datetime | None = None, facility: str = ""
) -> str:
    """`yes`, or the reason why not."""
    answer, _ = await bench.part.consents.check(
        citizen_id,
        purpose=Purpose.SHARING,
        scopes=frozenset({Scope.CONDITION}),
        facility_code=facility,
        at_time=at,
        caller=SERVICE,
    )
    return str(answer.refusal or "yes")


async def test_nothing_recorded_is_no_consent(bench: ConsentBench) -> None:
    assert await permitted(bench, await bench.register(MOTHER)) == "NO_CONSENT"


async def test_a_consent_permits_from_then_on_and_is_kept_whole(bench: ConsentBench) -> None:
    citizen_id = await bench.register(MOTHER)

    given = await bench.part.consents.give(order(citizen_id), key=key(), caller=CLERK)

    (kept,) = await bench.part.consents.page(citizen_id, before="", page_size=10, caller=CLERK)
    assert kept == given
    assert (kept.given_as, kept.giver_id, kept.recorded_at_facility_code) == (
        Basis.SELF,
        citizen_id,
        FACILITY,
    )
    assert await permitted(bench, citizen_id) == "yes"


async def test_a_withdrawal_ends_it_now_and_leaves_the_past_as_it_was(bench: ConsentBench) -> None:
    citizen_id = await bench.register(MOTHER)
    given = await bench.part.consents.give(order(citizen_id), key=key(), caller=CLERK)
    before = bench.clock.now()
    bench.clock.advance(timedelta(days=3))

    (ended,) = await bench.part.consents.withdraw(
        citizen_id, given.consent_id, channel=Channel.PHONE, whole_purpose=False, key=key(), caller=CLERK
    )

    assert ended == replace(
        given,
        withdraw_time=bench.clock.now(),
        withdraw_channel=Channel.PHONE,
        withdrawn_by=CLERK.subject,
    )
    assert await permitted(bench, citizen_id) == "CONSENT_WITHDRAWN"
    assert await permitted(bench, citizen_id, at=before) == "yes"
    with pytest.raises(MomentInFuture):
        await permitted(bench, citizen_id, at=bench.clock.now() + timedelta(seconds=1))


async def test_a_newer_consent_replaces_the_standing_one_so_that_one_withdrawal_ends_all(
    bench: ConsentBench,
) -> None:
    citizen_id = await bench.register(MOTHER)
    first = await bench.part.consents.give(order(citizen_id), key=key(), caller=CLERK)
    second = await bench.part.consents.give(
        order(citizen_id, scopes=frozenset({Scope.CONDITION})), key=key(), caller=CLERK
    )

    found = await bench.part.consents.page(citizen_id, before="", page_size=10, caller=CLERK)
    await bench.part.consents.withdraw(
        citizen_id, second.consent_id, channel=Channel.PHONE, whole_purpose=False, key=key(), caller=CLERK
    )

    assert [each.consent_id for each in found] == [second.consent_id, first.consent_id]
    assert (found[1].is_replaced, found[1].withdraw_channel) == (True, None)
    assert await permitted(bench, citizen_id) == "CONSENT_WITHDRAWN"


async def test_a_whole_purpose_is_withdrawn_at_once(bench: ConsentBench) -> None:
    citizen_id = await bench.register(MOTHER)
    everywhere = await bench.part.consents.give(order(citizen_id), key=key(), caller=CLERK)
    one = await bench.part.consents.give(order(citizen_id, facility_code="19002"), key=key(), caller=CLERK)
    write = key()

    ended = await bench.part.consents.withdraw(
        citizen_id, one.consent_id, channel=Channel.PHONE, whole_purpose=True, key=write, caller=CLERK
    )
    again = await bench.part.consents.withdraw(
        citizen_id, one.consent_id, channel=Channel.PHONE, whole_purpose=True, key=write, caller=CLERK
    )

    assert [each.consent_id for each in ended] == [one.consent_id, everywhere.consent_id]
    assert again == ended
    assert await permitted(bench, citizen_id, facility="19002") == "CONSENT_WITHDRAWN"


async def test_a_consent_for_one_facility_permits_that_one(bench: ConsentBench) -> None:
    citizen_id = await bench.register(MOTHER)
    await bench.part.consents.give(order(citizen_id, facility_code="19002"), key=key(), caller=CLERK)

    assert await permitted(bench, citizen_id, facility="19002") == "yes"
    assert await permitted(bench, citizen_id, facility="19003") == "OTHER_FACILITY"


@pytest.mark.parametrize(
    ("changes", "caller", "refusal"),
    [
        ({"channel": Channel.APP}, CLERK, ChannelWrong),
        ({"channel": Channel.KIOSK}, CLERK, ChannelWrong),
        ({"channel": Channel.PHONE}, KIOSK, ChannelWrong),
        ({"evidence_reference": ""}, CLERK, EvidenceRequired),
        ({"purpose": Purpose.TREATMENT}, CLERK, ConsentNotAskedFor),
        ({"purpose": Purpose.RESEARCH}, CLERK, TextUnknown),
        ({"scopes": frozenset({Scope.CARD_CHIP})}, CLERK, TextUnknown),
        ({"text_version": 2}, CLERK, TextUnknown),
        ({"text_hash": "f" * 64}, CLERK, TextDiffers),
    ],
)
async def test_what_was_not_shown_and_said_is_not_recorded(
    bench: ConsentBench, changes: dict[str, object], caller: Caller, refusal: type[AppError]
) -> None:
    citizen_id = await bench.register(MOTHER)

    with pytest.raises(refusal):
        await bench.part.consents.give(
            replace(order(citizen_id), **changes),  # type: ignore[arg-type]
            key=key(caller),
            caller=caller,
        )

    assert await permitted(bench, citizen_id) == "NO_CONSENT"


async def test_a_repeated_consent_is_one_and_another_body_is_refused(bench: ConsentBench) -> None:
    citizen_id = await bench.register(MOTHER)
    request_id = str(uuid.uuid4())
    first = await bench.part.consents.give(order(citizen_id), key=key(request_id=request_id), caller=CLERK)

    again = await bench.part.consents.give(order(citizen_id), key=key(request_id=request_id), caller=CLERK)

    assert again == first
    with pytest.raises(RequestIdReused):
        await bench.part.consents.give(
            order(citizen_id), key=key(request_id=request_id, mark=b"other"), caller=CLERK
        )


async def test_64_consents_at_one_instant_leave_one_standing(bench: ConsentBench) -> None:
    citizen_id = await bench.register(MOTHER)

    await asyncio.gather(
        *(bench.part.consents.give(order(citizen_id), key=key(), caller=CLERK) for _ in range(STORM))
    )

    found = await bench.part.consents.page(citizen_id, before="", page_size=200, caller=CLERK)
    assert len(found) == STORM
    assert sum(each.withdraw_time is None for each in found) == 1


async def test_a_child_needs_a_guardian_and_from_seven_is_asked_too(bench: ConsentBench) -> None:
    son, mother = await bench.register(SON), await bench.register(MOTHER)
    with pytest.raises(ConsentNeedsGuardian):
        await bench.part.consents.give(order(son), key=key(), caller=CLERK)
    with pytest.raises(NotAllowedToAct):
        await bench.part.consents.give(order(son, giver_id=mother), key=key(), caller=CLERK)
    await bench.guardian(son, mother)

    with pytest.raises(MinorAgreementRequired):
        await bench.part.consents.give(order(son, giver_id=mother), key=key(), caller=CLERK)
    given = await bench.part.consents.give(
        order(son, giver_id=mother, minor_agreed=True), key=key(), caller=CLERK
    )

    assert (given.given_as, given.giver_id, given.minor_agreed) == (Basis.GUARDIAN, mother, True)


async def test_reading_the_chip_discloses_nothing_so_the_child_need_not_be_asked(bench: ConsentBench) -> None:
    son, mother = await bench.register(SON), await bench.register(MOTHER)
    await bench.guardian(son, mother)

    given = await bench.part.consents.give(
        order(
            son,
            purpose=Purpose.CHIP_READING,
            text_id="chip-reading",
            scopes=frozenset({Scope.CARD_CHIP}),
            giver_id=mother,
        ),
        key=key(),
        caller=CLERK,
    )

    assert given.given_as is Basis.GUARDIAN


async def test_sixteen_year_olds_consent_for_themselves(bench: ConsentBench) -> None:
    teen = await bench.register(TEEN)

    given = await bench.part.consents.give(order(teen), key=key(), caller=CLERK)

    assert given.given_as is Basis.SELF


async def test_both_sides_see_a_delegation_and_either_ends_it(bench: ConsentBench) -> None:
    mother, uncle = await bench.register(MOTHER), await bench.register(UNCLE)
    added = await bench.part.delegations.add(delegate(mother, uncle, bench), key=key(), caller=CLERK)
    await bench.linked(uncle, "citizen-uncle")

    given = await bench.part.delegations.both_sides(mother, caller=CLERK)
    held = await bench.part.delegations.both_sides(uncle, caller=CLERK)
    allowed = await bench.may(uncle, mother, Action.PAY)
    await bench.part.delegations.revoke(
        mother, added.delegation.delegation_id, key=key(), caller=citizen_caller("citizen-uncle")
    )

    assert given.delegations == [added] == held.representations
    assert given.representations == [] == held.delegations
    assert allowed == "DELEGATE"
    assert await bench.may(uncle, mother, Action.SEE_RECORD) == "REVOKED"


def delegate(
    citizen_id: str, representative_id: str, bench: ConsentBench, **changes: object
) -> DelegationOrder:
    sound = DelegationOrder(
        citizen_id=citizen_id,
        kind=Kind.DELEGATE,
        representative_id=representative_id,
        relationship=Relationship.SIBLING,
        actions=frozenset({Action.PAY, Action.BOOK}),
        evidence_kind=EvidenceKind.BOTH_PRESENT,
        evidence_reference="",
        end_time=bench.clock.now() + timedelta(days=30),
    )
    return replace(sound, **changes)  # type: ignore[arg-type]  # the fields of one dataclass


@pytest.mark.parametrize(
    ("who", "whom", "changes", "refusal"),
    [
        (MOTHER, MOTHER, {}, DelegationToSelf),
        (MOTHER, TEEN, {}, RepresentativeNotAdult),
        (TEEN, MOTHER, {}, DelegationByMinor),
        (MOTHER, UNCLE, {"kind": Kind.GUARDIAN, "actions": frozenset(), "end_time": None}, GuardianOfAdult),
        (SON, MOTHER, {"kind": Kind.GUARDIAN}, DelegationActionWrong),
        (MOTHER, UNCLE, {"actions": frozenset()}, DelegationActionWrong),
        (MOTHER, UNCLE, {"actions": frozenset({Action.DELEGATE})}, DelegationActionWrong),
        (MOTHER, UNCLE, {"end_time": None}, DelegationExpiryWrong),
        (MOTHER, UNCLE, {"end_time": datetime(2026, 3, 2, 1, 30, tzinfo=UTC)}, DelegationExpiryWrong),
        (MOTHER, UNCLE, {"end_time": datetime(2036, 3, 2, tzinfo=UTC)}, DelegationExpiryWrong),
        (MOTHER, UNCLE, {"evidence_kind": None}, EvidenceRequired),
    ],
)
async def test_an_unsound_delegation_is_refused(
    bench: ConsentBench,
    who: tuple[str, str, str],
    whom: tuple[str, str, str],
    changes: dict[str, object],
    refusal: type[AppError],
) -> None:
    citizen_id, representative_id = await bench.register(who), await bench.register(whom)

    with pytest.raises(refusal):
        await bench.part.delegations.add(
            delegate(citizen_id, representative_id, bench, **changes), key=key(), caller=CLERK
        )


async def test_one_delegation_of_a_kind_stands_between_two_people(bench: ConsentBench) -> None:
    mother, uncle = await bench.register(MOTHER), await bench.register(UNCLE)
    await bench.part.delegations.add(delegate(mother, uncle, bench), key=key(), caller=CLERK)
    with pytest.raises(DelegationExists):
        await bench.part.delegations.add(delegate(mother, uncle, bench), key=key(), caller=CLERK)
    bench.clock.advance(timedelta(days=31))

    renewed = await bench.part.delegations.add(delegate(mother, uncle, bench), key=key(), caller=CLERK)

    assert renewed.delegation.revoke_time is None


async def test_a_citizen_chooses_a_delegate_in_the_app_but_no_guardian(bench: ConsentBench) -> None:
    mother, uncle, son = await bench.register(MOTHER), await bench.register(UNCLE), await bench.register(SON)
    await bench.linked(mother)
    caller = citizen_caller()

    added = await bench.part.delegations.add(
        delegate(mother, uncle, bench, evidence_kind=None), key=key(caller), caller=caller
    )

    assert added.delegation.evidence_kind is EvidenceKind.OWN_ACCOUNT
    guardian = delegate(son, mother, bench, kind=Kind.GUARDIAN, actions=frozenset(), end_time=None)
    with pytest.raises(NotAllowedToAct):
        await bench.part.delegations.add(guardian, key=key(caller), caller=caller)


async def test_a_stranger_cannot_end_or_even_find_a_delegation(bench: ConsentBench) -> None:
    mother, uncle, teen = (
        await bench.register(MOTHER),
        await bench.register(UNCLE),
        await bench.register(TEEN),
    )
    added = await bench.part.delegations.add(delegate(mother, uncle, bench), key=key(), caller=CLERK)
    await bench.linked(teen, "citizen-teen")
    caller = citizen_caller("citizen-teen")

    for delegation_id in (added.delegation.delegation_id, "0"):
        with pytest.raises(DelegationNotFound):
            await bench.part.delegations.revoke(mother, delegation_id, key=key(caller), caller=caller)


async def test_a_guardian_loses_the_right_at_midnight_in_vietnam(bench: ConsentBench) -> None:
    teen, mother = await bench.register(TEEN), await bench.register(MOTHER)
    await bench.guardian(teen, mother)
    midnight = datetime(2027, 5, 19, 17, tzinfo=UTC)  # 20 May 2027, 00:00 in Asia/Ho_Chi_Minh
    bench.clock.advance(midnight - bench.clock.now() - timedelta(seconds=1))

    before = await bench.may(mother, teen)
    bench.clock.advance(timedelta(seconds=1))

    assert (before, await bench.may(mother, teen)) == ("GUARDIAN", "CITIZEN_OF_AGE")


def code_order(citizen_id: str, **changes: object) -> CodeOrder:
    sound = CodeOrder(
        citizen_id=citizen_id,
        actions=frozenset({Action.CHECK_IN, Action.COLLECT_RESULTS}),
        facility_code="",
        lifetime_h=0,
        issuer_id="",
    )
    return replace(sound, **changes)  # type: ignore[arg-type]  # the fields of one dataclass


async def test_64_desks_with_one_code_take_it_once(bench: ConsentBench) -> None:
    mother = await bench.register(MOTHER)
    code, text = await bench.part.proxy_codes.issue(code_order(mother), key=key(), caller=CLERK)

    answers = await asyncio.gather(
        *(
            bench.part.proxy_codes.redeem(text, facility_code=FACILITY, bearer_id="", key=key(), caller=CLERK)
            for _ in range(STORM)
        ),
        return_exceptions=True,
    )

    taken = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert [each.code_id for each in taken] == [code.code_id]
    assert sum(isinstance(answer, ProxyCodeUsed) for answer in answers) == STORM - 1
    tries = await bench.db.read(lambda tx: audit.entries_of(tx, subject=mother, page_size=200))
    outcomes = [entry.outcome for entry in tries if entry.action == "redeem_proxy_code"]
    assert (outcomes.count("ok"), outcomes.count("PROXY_CODE_USED")) == (1, STORM - 1)


async def test_a_repeated_redemption_gives_its_own_answer_again(bench: ConsentBench) -> None:
    mother = await bench.register(MOTHER)
    _, text = await bench.part.proxy_codes.issue(code_order(mother), key=key(), caller=CLERK)
    winner, loser = key(), key()
    redeem = bench.part.proxy_codes.redeem

    first = await redeem(text, facility_code=FACILITY, bearer_id="", key=winner, caller=CLERK)
    with pytest.raises(ProxyCodeUsed):
        await redeem(text, facility_code=FACILITY, bearer_id="", key=loser, caller=CLERK)

    assert await redeem(text, facility_code=FACILITY, bearer_id="", key=winner, caller=CLERK) == first
    with pytest.raises(ProxyCodeUsed):
        await redeem(text, facility_code=FACILITY, bearer_id="", key=loser, caller=CLERK)


async def test_the_bearer_may_act_for_one_visit_there_and_for_a_day(bench: ConsentBench) -> None:
    mother, uncle = await bench.register(MOTHER), await bench.register(UNCLE)
    code, text = await bench.part.proxy_codes.issue(code_order(mother), key=key(), caller=CLERK)

    async def ask(acting: Acting, facility: str = FACILITY, action: Action = Action.COLLECT_RESULTS) -> str:
        ruling, _ = await bench.part.check_authority(
            mother, acting, action=action, facility_code=facility, at_time=None, caller=SERVICE
        )
        return str(ruling.basis or ruling.denial)

    by_code, by_card = Acting(proxy_code=(mother, code.code_id)), Acting(actor_id=uncle)
    early = await ask(by_code)
    await bench.part.proxy_codes.redeem(
        text, facility_code=FACILITY, bearer_id=uncle, key=key(), caller=CLERK
    )

    assert early == Denial.CODE_NOT_TAKEN
    assert [await ask(by_code), await ask(by_card)] == ["PROXY_CODE", "PROXY_CODE"]
    assert await ask(by_code, "19002") == Denial.OTHER_FACILITY
    assert await ask(by_code, action=Action.SEE_RECORD) == Denial.ACTION_NOT_DELEGATED
    bench.clock.advance(timedelta(hours=24))
    assert await ask(by_code) == Denial.VISIT_OVER


@pytest.mark.parametrize(
    ("facility", "wait", "refusal"),
    [
        ("19002", timedelta(0), ProxyCodeOtherFacility),
        (FACILITY, timedelta(hours=2), ProxyCodeExpired),
    ],
)
async def test_a_code_is_taken_at_its_facility_and_in_its_time(
    bench: ConsentBench, facility: str, wait: timedelta, refusal: type[AppError]
) -> None:
    mother = await bench.register(MOTHER)
    _, text = await bench.part.proxy_codes.issue(
        code_order(mother, facility_code=FACILITY, lifetime_h=2), key=key(), caller=CLERK
    )
    bench.clock.advance(wait)

    with pytest.raises(refusal):
        await bench.part.proxy_codes.redeem(
            text, facility_code=facility, bearer_id="", key=key(), caller=CLERK
        )


async def test_revoking_ends_a_code_before_and_after_it_was_taken(bench: ConsentBench) -> None:
    mother = await bench.register(MOTHER)
    open_code, open_text = await bench.part.proxy_codes.issue(code_order(mother), key=key(), caller=CLERK)
    used_code, used_text = await bench.part.proxy_codes.issue(code_order(mother), key=key(), caller=CLERK)
    redeem = bench.part.proxy_codes.redeem
    await redeem(used_text, facility_code=FACILITY, bearer_id="", key=key(), caller=CLERK)

    for code in (open_code, used_code):
        await bench.part.proxy_codes.revoke(mother, code.code_id, key=key(), caller=CLERK)

    with pytest.raises(ProxyCodeRevoked):
        await redeem(open_text, facility_code=FACILITY, bearer_id="", key=key(), caller=CLERK)
    ruling, _ = await bench.part.check_authority(
        mother,
        Acting(proxy_code=(mother, used_code.code_id)),
        action=Action.CHECK_IN,
        facility_code=FACILITY,
        at_time=None,
        caller=SERVICE,
    )
    assert ruling.denial is Denial.REVOKED


async def test_a_guardian_makes_codes_for_the_child_which_end_with_the_guardianship(
    bench: ConsentBench,
) -> None:
    son, mother, uncle = await bench.register(SON), await bench.register(MOTHER), await bench.register(UNCLE)
    with pytest.raises(DelegationByMinor):
        await bench.part.proxy_codes.issue(code_order(son), key=key(), caller=CLERK)
    with pytest.raises(NotAllowedToAct):
        await bench.part.proxy_codes.issue(code_order(son, issuer_id=uncle), key=key(), caller=CLERK)
    guardian = await bench.guardian(son, mother)
    _, text = await bench.part.proxy_codes.issue(code_order(son, issuer_id=mother), key=key(), caller=CLERK)

    await bench.part.delegations.revoke(son, guardian.delegation.delegation_id, key=key(), caller=CLERK)

    with pytest.raises(ProxyCodeRevoked):
        await bench.part.proxy_codes.redeem(
            text, facility_code=FACILITY, bearer_id="", key=key(), caller=CLERK
        )


async def test_a_person_has_five_open_codes_at_most(bench: ConsentBench) -> None:
    mother = await bench.register(MOTHER)
    issue = bench.part.proxy_codes.issue
    for _ in range(5):
        code, _ = await issue(code_order(mother), key=key(), caller=CLERK)
    with pytest.raises(TooManyProxyCodes):
        await issue(code_order(mother), key=key(), caller=CLERK)

    await bench.part.proxy_codes.revoke(mother, code.code_id, key=key(), caller=CLERK)

    await issue(code_order(mother), key=key(), caller=CLERK)


async def test_issuing_again_with_the_same_request_gives_the_same_code(bench: ConsentBench) -> None:
    mother = await bench.register(MOTHER)
    write = key()

    first = await bench.part.proxy_codes.issue(code_order(mother), key=write, caller=CLERK)

    assert await bench.part.proxy_codes.issue(code_order(mother), key=write, caller=CLERK) == first


async def test_a_link_code_links_one_sign_in_once(bench: ConsentBench) -> None:
    mother, uncle = await bench.register(MOTHER), await bench.register(UNCLE)
    caller = citizen_caller()
    accounts = bench.part.accounts
    waiting = await accounts.request(key=key(caller), caller=caller)

    account = await accounts.confirm(mother, waiting.code, key=key(), caller=CLERK)

    assert account.citizen_id == mother
    with pytest.raises(AccountCodeUnknown):
        await accounts.confirm(uncle, waiting.code, key=key(), caller=CLERK)
    with pytest.raises(AccountAlreadyLinked):
        await accounts.request(key=key(caller), caller=caller)


async def test_a_link_code_lives_ten_minutes_and_the_newest_counts(bench: ConsentBench) -> None:
    mother = await bench.register(MOTHER)
    caller = citizen_caller()
    accounts = bench.part.accounts
    first = await accounts.request(key=key(caller), caller=caller)
    second = await accounts.request(key=key(caller), caller=caller)
    with pytest.raises(AccountCodeUnknown):
        await accounts.confirm(mother, first.code, key=key(), caller=CLERK)
    bench.clock.advance(timedelta(minutes=10))

    with pytest.raises(AccountCodeUnknown):
        await accounts.confirm(mother, second.code, key=key(), caller=CLERK)


async def test_repeats_of_asking_and_confirming_give_the_same_answer(bench: ConsentBench) -> None:
    mother = await bench.register(MOTHER)
    caller = citizen_caller()
    accounts = bench.part.accounts
    asking, confirming = key(caller), key()
    first = await accounts.request(key=asking, caller=caller)
    again = await accounts.request(key=asking, caller=caller)
    account = await accounts.confirm(mother, first.code, key=confirming, caller=CLERK)

    assert again == first
    assert await accounts.confirm(mother, first.code, key=confirming, caller=CLERK) == account


async def test_no_account_without_a_confirmed_card_or_for_a_small_child(bench: ConsentBench) -> None:
    bench.identity.register.unheard = "REGISTER_TIMEOUT"
    mother = await bench.register(MOTHER)
    bench.identity.register.unheard = ""
    son = await bench.register(SON)
    caller = citizen_caller()
    waiting = await bench.part.accounts.request(key=key(caller), caller=caller)

    with pytest.raises(CardNotVerified):
        await bench.part.accounts.confirm(mother, waiting.code, key=key(), caller=CLERK)
    with pytest.raises(AccountOwnerTooYoung):
        await bench.part.accounts.confirm(son, waiting.code, key=key(), caller=CLERK)


async def test_a_citizen_has_three_accounts_at_most_and_may_part_their_own(bench: ConsentBench) -> None:
    mother = await bench.register(MOTHER)
    accounts = [await bench.linked(mother, f"citizen-{index}") for index in range(ACCOUNTS_MAX)]
    with pytest.raises(TooManyAccounts):
        await bench.linked(mother, "citizen-9")

    parted = await bench.part.accounts.unlink(
        mother, accounts[0].account_id, key=key(), caller=citizen_caller("citizen-1")
    )

    assert parted.unlink_time == bench.clock.now()
    with pytest.raises(AccountNotLinked):
        await bench.part.own_view.view("", caller=citizen_caller("citizen-0"))
    await bench.linked(mother, "citizen-0")


async def test_a_citizen_sees_themselves_and_who_they_may_act_for_and_nobody_else(
    bench: ConsentBench,
) -> None:
    son, mother, uncle = await bench.register(SON), await bench.register(MOTHER), await bench.register(UNCLE)
    await bench.guardian(son, mother)
    await bench.linked(mother)
    caller = citizen_caller()

    own = await bench.part.own_view.view("", caller=caller)
    childs = await bench.part.own_view.view(son, caller=caller)

    assert (own.citizen.citizen_id, own.ruling.basis) == (mother, Basis.SELF)
    assert [each.delegation.citizen_id for each in own.both_sides.representations] == [son]
    assert (childs.citizen.citizen_id, childs.ruling.basis) == (son, Basis.GUARDIAN)
    for other in (uncle, "nobody"):
        with pytest.raises(NotAllowedToAct):
            await bench.part.own_view.view(other, caller=caller)


async def test_who_looked_is_listed_page_by_page_without_a_gap(bench: ConsentBench) -> None:
    mother = await bench.register(MOTHER)
    await bench.linked(mother)
    for _ in range(7):
        await bench.identity.read_citizen.get(mother, CLERK)
    caller = citizen_caller()
    whole = await bench.part.own_view.accesses("", before=None, page_size=200, caller=caller)

    paged, before = [], whole[0].key
    paged.append(whole[0])
    while page := await bench.part.own_view.accesses("", before=before, page_size=3, caller=caller):
        paged += page
        before = page[-1].key

    assert [each.key for each in paged] == [each.key for each in whole]
    assert [each.entry.action for each in whole].count("get_citizen") == 7


async def test_a_merged_record_counts_as_the_same_person(bench: ConsentBench) -> None:
    """The rows of a merge are written as the master index writes them."""
    son, mother, doubled = (
        await bench.register(SON),
        await bench.register(MOTHER),
        await bench.register(("099190000025", "Nguyễn Thị Hoà", "02031990")),
    )
    await bench.guardian(son, doubled)
    await bench.part.consents.give(order(doubled), key=key(), caller=CLERK)
    await bench.linked(mother)
    now = to_text(bench.clock.now())
    await bench.db.write(
        lambda tx: tx.execute(
            "test_merge", citizen_id=doubled, survivor_id=mother, plan_digest=b"\x00", link_time=now
        )
    )
    await bench.db.write(lambda tx: tx.execute("test_member", citizen_id=mother, member_id=doubled))

    view = await bench.part.own_view.view("", caller=citizen_caller())

    assert await permitted(bench, mother) == "yes"
    assert await permitted(bench, doubled) == "yes"
    assert await bench.may(mother, son) == "GUARDIAN"
    assert {each.value for each in view.identifiers} == {"099190000017", "099190000025"}
    assert [(each.citizen_id, each.end_time) for each in view.links] == [(doubled, None)]


async def test_every_write_leaves_its_row_on_the_audit_chain(bench: ConsentBench) -> None:
    son, mother = await bench.register(SON), await bench.register(MOTHER)
    await bench.guardian(son, mother)
    await bench.linked(mother)
    await bench.part.own_view.view(son, caller=citizen_caller())

    entries = await bench.db.read(lambda tx: audit.entries_of(tx, subject=son))

    assert (await audit.verify(bench.db)).is_intact
    assert [entry.action for entry in entries] == ["view_own_data", "add_delegation", "register_citizen"]


async def test_refusals_tell_the_reason_nearest_to_a_yes(bench: ConsentBench) -> None:
    citizen_id = await bench.register(MOTHER)
    given = await bench.part.consents.give(
        order(citizen_id, expire_time=bench.clock.now() + timedelta(days=1)), key=key(), caller=CLERK
    )
    bench.clock.advance(timedelta(days=1))

    answer, _ = await bench.part.consents.check(
        citizen_id,
        purpose=Purpose.SHARING,
        scopes=frozenset({Scope.CONDITION}),
        facility_code="",
        at_time=None,
        caller=CLERK,
    )

    assert (answer.refusal, answer.consent) == (Refusal.CONSENT_EXPIRED, given)


async def test_who_tried_without_a_right_is_on_record_and_the_person_sees_it(bench: ConsentBench) -> None:
    mother, uncle = await bench.register(MOTHER), await bench.register(UNCLE)
    await bench.linked(uncle, "citizen-uncle")
    stranger = citizen_caller("citizen-uncle")

    with pytest.raises(NotAllowedToAct):
        await bench.part.own_view.view(mother, caller=stranger)
    with pytest.raises(NotAllowedToAct):
        await bench.part.own_view.view("nobody", caller=stranger)

    await bench.linked(mother)
    seen = await bench.part.own_view.accesses("", before=None, page_size=10, caller=citizen_caller())
    tries = [(each.kind, each.entry.action, each.entry.outcome) for each in seen]
    assert (ActorKind.OTHER_CITIZEN, "view_own_data", "NOT_ALLOWED_TO_ACT") in tries
    report = await audit.verify(bench.db)
    assert report.is_intact
    nobody = await bench.db.read(lambda tx: audit.entries_of(tx, subject=""))
    assert [entry.outcome for entry in nobody if entry.action == "view_own_data"] == ["NOT_ALLOWED_TO_ACT"]


@pytest.mark.parametrize(
    "name",
    [
        "consent_survivor",
        "consent_members",
        "consent_of_purpose",
        "consent_page",
        "consent_delegations",
        "consent_representations",
        "consent_proxy_codes",
        "consent_accounts",
        "consent_find_account",
        "consent_find_proxy_code",
        "frame_audit_of_subject",
    ],
)
async def test_each_list_has_its_index(store_maker: StoreMaker, name: str) -> None:
    url = await store_maker.migrated_url("sqlite", "identity_svc")
    query = load_queries(QUERIES_FILES, engine="sqlite")[name]
    connection = choose_sqlite().connect(url.removeprefix("sqlite:///"))

    plan = [
        row[3]
        for row in connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", dict.fromkeys(query.names, ""))
    ]

    connection.close()
    assert [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step] == [], plan
