"""Consents and the own view through the whole pipeline: rights, both languages, a typed error for each bad input."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chassis.errors import AppError
from chassis.rpc.context import Caller, acting_as
from lienthong.identity.v1 import consent_pb2 as pb
from lienthong.identity.v1 import identity_pb2, own_view_pb2
from lienthong.identity.v1.consent_pb2_grpc import ConsentServiceStub
from lienthong.identity.v1.own_view_pb2_grpc import OwnViewServiceStub
from tests.support.consent import (
    KIOSK,
    MOTHER,
    SERVICE,
    SON,
    UNCLE,
    ConsentBench,
    citizen_caller,
    consent_channel,
    signed,
)
from tests.support.echo_network import Keys
from tests.support.identity import CLERK, FACILITY, QUERIES_FILES, Identity
from tests.support.stores import OpenStore

if TYPE_CHECKING:
    from lienthong.identity.v1.consent_pb2_grpc import ConsentServiceAsyncStub
    from lienthong.identity.v1.own_view_pb2_grpc import OwnViewServiceAsyncStub

    Stubs = tuple[ConsentServiceAsyncStub, OwnViewServiceAsyncStub]

TIMEOUT_S = 5.0
CITIZEN = citizen_caller()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The pipeline is the same on both; tests/store has both.


@pytest.fixture
async def bench(open_store: OpenStore, tmp_path: Path) -> ConsentBench:
    return ConsentBench(Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path), tmp_path)


@pytest.fixture
async def stubs(bench: ConsentBench, keys: Keys) -> AsyncIterator[Stubs]:
    async with consent_channel(bench, keys) as channel:
        yield ConsentServiceStub(channel), OwnViewServiceStub(channel)


class Ask:
    """Calls a method of either service as somebody."""

    def __init__(self, stubs: Stubs, keys: Keys) -> None:
        self._stubs = stubs
        self._keys = keys

    async def __call__(self, caller: Caller, method: str, request: Any) -> Any:
        stub = next(each for each in self._stubs if hasattr(each, method))
        with acting_as(signed(self._keys, caller)):
            return await getattr(stub, method)(request, timeout=TIMEOUT_S)


@pytest.fixture
def ask(stubs: Stubs, keys: Keys) -> Ask:
    return Ask(stubs, keys)


async def give(ask: Ask, citizen_id: str, caller: Caller = KIOSK, **changes: Any) -> pb.Consent:
    """Show the text, agree to it."""
    shown = await ask(
        caller,
        "ListConsentTexts",
        pb.ListConsentTextsRequest(purpose=pb.CONSENT_PURPOSE_SHARING, language="vi"),
    )
    (text,) = shown.texts
    told: dict[str, Any] = {
        "request_id": str(uuid.uuid4()),
        "parent": f"citizens/{citizen_id}",
        "purpose": text.purpose,
        "scopes": [pb.CONSENT_SCOPE_CONDITION],
        "text_id": text.text_id,
        "text_version": text.version,
        "text_language": text.language,
        "text_hash": text.content_hash,
        "channel": pb.CONSENT_CHANNEL_KIOSK if caller is KIOSK else pb.CONSENT_CHANNEL_APP,
    }
    answer = await ask(caller, "GiveConsent", pb.GiveConsentRequest(**(told | changes)))
    consent: pb.Consent = answer.consent
    return consent


def check(citizen_id: str, **more: Any) -> pb.CheckConsentRequest:
    return pb.CheckConsentRequest(
        citizen=f"citizens/{citizen_id}",
        purpose=pb.CONSENT_PURPOSE_SHARING,
        scopes=[pb.CONSENT_SCOPE_CONDITION],
        **more,
    )


async def test_a_kiosk_shows_a_text_records_the_yes_and_a_service_is_told(
    bench: ConsentBench, ask: Ask
) -> None:
    mother = await bench.register(MOTHER)
    before = await ask(SERVICE, "CheckConsent", check(mother))

    consent = await give(ask, mother)

    after = await ask(SERVICE, "CheckConsent", check(mother))
    assert (before.decision, before.reason) == (pb.CONSENT_DECISION_NOT_PERMITTED, "NO_CONSENT")
    assert before.explanation_vi == "Chưa có sự đồng ý nào được ghi nhận cho mục đích này."
    assert (after.decision, after.consent, after.reason) == (pb.CONSENT_DECISION_PERMITTED, consent.name, "")
    assert consent.sentence_vi == (
        "Chính người này đồng ý tại kiosk ngày 02/03/2026: chia sẻ hồ sơ cho cơ sở khác (chẩn đoán), "
        "cho mọi cơ sở trong tỉnh. Còn hiệu lực đến khi rút lại."
    )
    assert consent.sentence_en.endswith("for every facility of the province. Stands until withdrawn.")


async def test_treatment_is_permitted_by_law(bench: ConsentBench, ask: Ask) -> None:
    mother = await bench.register(MOTHER)
    question = check(mother)
    question.purpose = pb.CONSENT_PURPOSE_TREATMENT

    answer = await ask(CLERK, "CheckConsent", question)

    assert answer.decision == pb.CONSENT_DECISION_PERMITTED
    assert "15/2023/QH15" in answer.legal_reference
    assert "không cần xin đồng ý" in answer.explanation_vi


async def test_the_app_gives_lists_and_withdraws(bench: ConsentBench, ask: Ask) -> None:
    mother = await bench.register(MOTHER)
    await bench.linked(mother)
    given = await give(ask, mother, CITIZEN)

    ended = await ask(
        CITIZEN,
        "WithdrawConsent",
        pb.WithdrawConsentRequest(
            request_id=str(uuid.uuid4()), name=given.name, channel=pb.CONSENT_CHANNEL_APP
        ),
    )

    mine = await ask(CITIZEN, "ListMyConsents", own_view_pb2.ListMyConsentsRequest())
    listed = await ask(
        CLERK, "ListConsents", pb.ListConsentsRequest(parent=f"citizens/{mother}", page_size=1)
    )
    assert list(mine.consents) == list(ended.consents) == list(listed.consents)
    assert "Đã rút lại lúc" in mine.consents[0].sentence_vi
    assert listed.next_page_token == mine.consents[0].name.rpartition("/")[2]
    assert mine.next_page_token == ""


async def test_a_guardian_is_recorded_asked_about_and_seen_from_both_sides(
    bench: ConsentBench, ask: Ask
) -> None:
    son, mother = await bench.register(SON), await bench.register(MOTHER)
    await bench.linked(mother)
    added = await ask(
        CLERK,
        "AddDelegation",
        pb.AddDelegationRequest(
            request_id=str(uuid.uuid4()),
            parent=f"citizens/{son}",
            kind=pb.DELEGATION_KIND_GUARDIAN,
            representative=f"citizens/{mother}",
            relationship=pb.RELATIONSHIP_PARENT,
            evidence_kind=pb.EVIDENCE_KIND_BIRTH_CERTIFICATE,
            evidence_reference="KS-12/2018",
        ),
    )
    question = pb.CheckAuthorityRequest(citizen=f"citizens/{son}", action=pb.DELEGATED_ACTION_SEE_RECORD)

    as_citizen = await ask(CITIZEN, "CheckAuthority", question)
    question.account_subject = CITIZEN.subject
    as_service = await ask(SERVICE, "CheckAuthority", question)

    held = await ask(CITIZEN, "ListDelegations", pb.ListDelegationsRequest(parent=f"citizens/{mother}"))
    given = await ask(CITIZEN, "ListDelegations", pb.ListDelegationsRequest(parent=f"citizens/{son}"))
    assert as_citizen == as_service
    assert (as_citizen.decision, as_citizen.basis) == (
        pb.AUTHORITY_DECISION_ALLOWED,
        pb.AUTHORITY_BASIS_GUARDIAN,
    )
    assert as_citizen.authority == added.delegation.name
    assert as_citizen.until_time.ToJsonString() == "2036-06-09T17:00:00Z"
    assert list(held.representations) == list(given.delegations) == [added.delegation]
    assert added.delegation.sentence_vi == (
        "Người giám hộ (cha hoặc mẹ) được làm mọi việc thay từ ngày 02/03/2026. Hết hạn lúc 00:00 10/06/2036."
    )


async def test_a_stranger_is_denied_alike_whether_the_person_exists_or_not(
    bench: ConsentBench, ask: Ask
) -> None:
    mother, uncle = await bench.register(MOTHER), await bench.register(UNCLE)
    await bench.linked(mother)

    answers = [
        await ask(
            CITIZEN,
            "CheckAuthority",
            pb.CheckAuthorityRequest(citizen=f"citizens/{other}", action=pb.DELEGATED_ACTION_PAY),
        )
        for other in (uncle, "nobody")
    ]

    assert [answer.reason for answer in answers] == ["NO_RELATION", "NO_RELATION"]
    assert answers[0] == answers[1]


async def test_an_unlinked_account_is_an_answer_to_a_service_and_an_error_to_itself(
    bench: ConsentBench, ask: Ask
) -> None:
    mother = await bench.register(MOTHER)
    question = pb.CheckAuthorityRequest(
        citizen=f"citizens/{mother}", action=pb.DELEGATED_ACTION_PAY, account_subject="citizen-0"
    )

    answer = await ask(SERVICE, "CheckAuthority", question)

    assert (answer.decision, answer.reason) == (pb.AUTHORITY_DECISION_DENIED, "ACCOUNT_NOT_LINKED")
    with pytest.raises(AppError) as caught:
        await ask(CITIZEN, "GetMyView", own_view_pb2.GetMyViewRequest())
    assert (caught.value.reason, bool(caught.value.vi)) == ("ACCOUNT_NOT_LINKED", True)


async def test_a_proxy_code_goes_from_the_app_to_the_desk(bench: ConsentBench, ask: Ask) -> None:
    mother, uncle = await bench.register(MOTHER), await bench.register(UNCLE)
    await bench.linked(mother)
    issued = await ask(
        CITIZEN,
        "IssueProxyCode",
        pb.IssueProxyCodeRequest(
            request_id=str(uuid.uuid4()),
            parent=f"citizens/{mother}",
            actions=[pb.DELEGATED_ACTION_COLLECT_RESULTS],
            facility_code=FACILITY,
        ),
    )

    taken = await ask(
        CLERK,
        "RedeemProxyCode",
        pb.RedeemProxyCodeRequest(
            request_id=str(uuid.uuid4()), code_text=issued.code_text, bearer=f"citizens/{uncle}"
        ),
    )

    assert taken.citizen == f"citizens/{mother}"
    assert taken.proxy_code.name == issued.proxy_code.name
    assert taken.proxy_code.bearer == f"citizens/{uncle}"
    assert mother not in issued.code_text
    revoked = await ask(
        CITIZEN,
        "RevokeProxyCode",
        pb.RevokeProxyCodeRequest(request_id=str(uuid.uuid4()), name=taken.proxy_code.name),
    )
    assert revoked.proxy_code.HasField("revoke_time")


async def test_an_account_is_linked_at_the_desk_and_parted_by_its_owner(
    bench: ConsentBench, ask: Ask
) -> None:
    mother = await bench.register(MOTHER)
    waiting = await ask(
        CITIZEN, "RequestAccountLink", pb.RequestAccountLinkRequest(request_id=str(uuid.uuid4()))
    )
    spoken = f"{waiting.link_code[:4]} {waiting.link_code[4:]}"
    linked = await ask(
        CLERK,
        "ConfirmAccountLink",
        pb.ConfirmAccountLinkRequest(
            request_id=str(uuid.uuid4()), citizen=f"citizens/{mother}", link_code=spoken
        ),
    )

    view = await ask(CITIZEN, "GetMyView", own_view_pb2.GetMyViewRequest())
    parted = await ask(
        CITIZEN,
        "UnlinkAccount",
        pb.UnlinkAccountRequest(request_id=str(uuid.uuid4()), name=linked.account.name),
    )

    assert list(view.accounts) == [linked.account]
    assert parted.account.HasField("unlink_time")
    assert CITIZEN.subject not in str(view)


async def test_the_own_view_says_in_words_what_is_kept_and_masks_numbers(
    bench: ConsentBench, ask: Ask
) -> None:
    mother = await bench.register(MOTHER)
    await bench.linked(mother)

    view = await ask(CITIZEN, "GetMyView", own_view_pb2.GetMyViewRequest())

    (number,) = view.identifiers
    assert (view.full_name, view.seen_as) == ("Nguyễn Thị Hòa", pb.AUTHORITY_BASIS_SELF)
    assert (number.kind, number.masked_value, number.in_use) == (
        identity_pb2.IDENTIFIER_KIND_CITIZEN_NUMBER,
        "•••••••••017",
        True,
    )
    assert number.sentence_vi == (
        "Số định danh cá nhân: đã khớp với cơ sở dữ liệu quốc gia về dân cư; ghi nhận từ ngày 02/03/2026."
    )
    assert view.verification_vi == (
        "Thẻ căn cước được đối chiếu với cơ sở dữ liệu quốc gia về dân cư ngày 02/03/2026: khớp."
    )
    assert "099190000017" not in str(view)


async def test_who_looked_is_told_by_function_and_facility_without_names(
    bench: ConsentBench, ask: Ask
) -> None:
    mother = await bench.register(MOTHER)
    await bench.linked(mother)
    await bench.identity.read_citizen.get(mother, CLERK)

    first = await ask(CITIZEN, "ListMyAccesses", own_view_pb2.ListMyAccessesRequest(page_size=2))
    rest = await ask(
        CITIZEN, "ListMyAccesses", own_view_pb2.ListMyAccessesRequest(page_token=first.next_page_token)
    )

    told = [(each.actor_kind, each.action) for each in (*first.accesses, *rest.accesses)]
    assert told == [
        ("CLERK", "get_citizen"),
        ("CLERK", "confirm_account_link"),
        ("CLERK", "register_citizen"),
    ]
    assert first.accesses[0].sentence_vi == (
        f"Nhân viên tiếp đón tại cơ sở {FACILITY} đã xem thông tin định danh."
    )
    assert first.accesses[0].purpose == "treatment"
    assert CLERK.subject not in str((first, rest))
    assert rest.next_page_token == ""


def request_id() -> str:
    return str(uuid.uuid4())


BAD_CALLS = [
    ("GiveConsent", pb.GiveConsentRequest(parent="citizens/1"), CLERK, "REQUEST_ID_REQUIRED", "request_id"),
    ("GiveConsent", pb.GiveConsentRequest(request_id=request_id()), CLERK, "CITIZEN_NAME_MALFORMED", "name"),
    (
        "GiveConsent",
        pb.GiveConsentRequest(request_id=request_id(), parent="citizens/1"),
        CLERK,
        "CONSENT_PURPOSE_REQUIRED",
        "purpose",
    ),
    (
        "GiveConsent",
        pb.GiveConsentRequest(
            request_id=request_id(), parent="citizens/1", purpose=pb.CONSENT_PURPOSE_SHARING
        ),
        CLERK,
        "CONSENT_SCOPE_REQUIRED",
        "scopes",
    ),
    (
        "WithdrawConsent",
        pb.WithdrawConsentRequest(
            request_id=request_id(), name="citizens/1/visits/1", channel=pb.CONSENT_CHANNEL_PHONE
        ),
        CLERK,
        "RESOURCE_NAME_MALFORMED",
        "name",
    ),
    (
        "WithdrawConsent",
        pb.WithdrawConsentRequest(request_id=request_id(), name="citizens/1/consents/1"),
        CLERK,
        "CONSENT_CHANNEL_WRONG",
        "channel",
    ),
    ("ListConsents", pb.ListConsentsRequest(parent="citizens/nobody"), CLERK, "CITIZEN_NOT_FOUND", ""),
    (
        "ListConsents",
        pb.ListConsentsRequest(parent="citizens/1", page_size=201),
        CLERK,
        "PAGE_SIZE_OUT_OF_RANGE",
        "page_size",
    ),
    (
        "ListConsents",
        pb.ListConsentsRequest(parent="citizens/1", page_token="?"),
        CLERK,
        "PAGE_TOKEN_MALFORMED",
        "page_token",
    ),
    ("CheckConsent", check("nobody"), CLERK, "CITIZEN_NOT_FOUND", ""),
    ("CheckConsent", check("1", facility_code="1x"), CLERK, "FACILITY_CODE_FORM", "facility_code"),
    (
        "AddDelegation",
        pb.AddDelegationRequest(request_id=request_id(), parent="citizens/1"),
        CLERK,
        "DELEGATION_KIND_REQUIRED",
        "kind",
    ),
    (
        "AddDelegation",
        pb.AddDelegationRequest(
            request_id=request_id(), parent="citizens/1", kind=pb.DELEGATION_KIND_GUARDIAN
        ),
        CLERK,
        "RELATIONSHIP_REQUIRED",
        "relationship",
    ),
    ("CheckAuthority", pb.CheckAuthorityRequest(citizen="citizens/1"), CLERK, "ACTION_REQUIRED", "action"),
    (
        "CheckAuthority",
        pb.CheckAuthorityRequest(citizen="citizens/1", action=pb.DELEGATED_ACTION_PAY),
        CLERK,
        "ACTOR_REQUIRED",
        "actor",
    ),
    (
        "IssueProxyCode",
        pb.IssueProxyCodeRequest(request_id=request_id(), parent="citizens/1"),
        CLERK,
        "DELEGATION_ACTION_WRONG",
        "actions",
    ),
    (
        "IssueProxyCode",
        pb.IssueProxyCodeRequest(
            request_id=request_id(),
            parent="citizens/1",
            actions=[pb.DELEGATED_ACTION_PAY],
            lifetime_h=73,
        ),
        CLERK,
        "PROXY_EXPIRY_WRONG",
        "lifetime_h",
    ),
    (
        "RedeemProxyCode",
        pb.RedeemProxyCodeRequest(request_id=request_id(), code_text="099190000017||Nguyễn Thị Hòa"),
        CLERK,
        "PROXY_CODE_UNREADABLE",
        "code_text",
    ),
    (
        "RedeemProxyCode",
        pb.RedeemProxyCodeRequest(request_id=request_id(), code_text="01" + "1" * 193),
        CLERK,
        "PROXY_CODE_FORGED",
        "code_text",
    ),
    (
        "RedeemProxyCode",
        pb.RedeemProxyCodeRequest(request_id=request_id(), code_text="x", facility_code="19002"),
        CLERK,
        "OTHER_FACILITY",
        "",
    ),
    (
        "ConfirmAccountLink",
        pb.ConfirmAccountLinkRequest(request_id=request_id(), citizen="citizens/1", link_code="1234"),
        CLERK,
        "ACCOUNT_CODE_MALFORMED",
        "link_code",
    ),
    (
        "UnlinkAccount",
        pb.UnlinkAccountRequest(request_id=request_id(), name="citizens/1/accounts/1"),
        CLERK,
        "ACCOUNT_NOT_FOUND",
        "",
    ),
    (
        "RevokeProxyCode",
        pb.RevokeProxyCodeRequest(request_id=request_id(), name="citizens/1/proxyCodes/1"),
        CLERK,
        "PROXY_CODE_NOT_FOUND",
        "",
    ),
    (
        "RevokeDelegation",
        pb.RevokeDelegationRequest(request_id=request_id(), name="citizens/1/delegations/1"),
        CLERK,
        "DELEGATION_NOT_FOUND",
        "",
    ),
    ("ListMyAccesses", own_view_pb2.ListMyAccessesRequest(), CLERK, "ROLE_NOT_ALLOWED", ""),
    (
        "ListMyAccesses",
        own_view_pb2.ListMyAccessesRequest(page_token="AAAA"),
        CITIZEN,
        "PAGE_TOKEN_MALFORMED",
        "page_token",
    ),
    ("GetMyView", own_view_pb2.GetMyViewRequest(citizen="me"), CITIZEN, "CITIZEN_NAME_MALFORMED", "name"),
    (
        "ConfirmAccountLink",
        pb.ConfirmAccountLinkRequest(request_id=request_id(), citizen="citizens/1", link_code="12345678"),
        CITIZEN,
        "ROLE_NOT_ALLOWED",
        "",
    ),
]


@pytest.mark.parametrize(("method", "request_message", "caller", "reason", "field"), BAD_CALLS)
async def test_each_bad_call_is_a_typed_error_in_both_languages(  # noqa: PLR0917
    ask: Ask, method: str, request_message: Any, caller: Caller, reason: str, field: str
) -> None:
    with pytest.raises(AppError) as caught:
        await ask(caller, method, request_message)

    assert (caught.value.reason, caught.value.field or "") == (reason, field)
    assert caught.value.vi
    assert caught.value.message
