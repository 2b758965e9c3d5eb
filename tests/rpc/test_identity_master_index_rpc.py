"""The master index through the whole pipeline: rights, words in both languages, typed errors, the command line."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chassis.errors import AppError
from chassis.rpc.binding import collect
from chassis.rpc.channel import Channel
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.local import LocalNetwork
from chassis.rpc.tokens import Minter
from chassis.telemetry import Telemetry
from cli.__main__ import parser
from identity_svc.domain.model import Gender
from identity_svc.store.link_store import PairState
from lienthong.identity.v1 import identity_pb2
from lienthong.identity.v1 import master_index_pb2 as pb
from lienthong.identity.v1.master_index_pb2_grpc import (
    MasterIndexServiceStub,
    add_MasterIndexServiceServicer_to_server,
)
from tests.support.echo_network import Keys
from tests.support.identity import QUERIES_FILES, Identity
from tests.support.index_people import add_person, citizen_number, match_all
from tests.support.stores import OpenStore

TIMEOUT_MS = 5_000
Call = Callable[..., Awaitable[Any]]


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The pipeline is the same on both; tests/store has both.


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
async def identity(open_store: OpenStore, tmp_path: Path) -> Identity:
    return Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path)


@pytest.fixture
async def channel(identity: Identity, keys: Keys) -> AsyncIterator[Channel]:
    telemetry = Telemetry("identity")
    network = LocalNetwork()
    servicer = identity.doubles.servicer()
    network.register(
        "identity",
        [collect(add_MasterIndexServiceServicer_to_server, servicer)],
        verifier=keys.verifier(),
        telemetry=telemetry,
    )
    made = network.channel("identity", telemetry=telemetry, sender="gateway")
    yield made
    await made.close()


def signed(keys: Keys, role: str) -> Caller:
    named = Caller(subject="persons/1", roles=frozenset({role}), purpose="stewardship")
    token = Minter(keys.gateway).mint(named)
    return Caller(subject="persons/1", roles=named.roles, purpose=named.purpose, token=token)


@pytest.fixture
def call(channel: Channel, keys: Keys) -> Call:
    """Calls a method as somebody of a role."""

    async def made(method: str, request: Any, *, role: str = "STEWARD") -> Any:
        with acting_as(signed(keys, role), within_ms=TIMEOUT_MS):
            return await getattr(MasterIndexServiceStub(channel), method)(request)

    return made


@pytest.fixture
def run(channel: Channel, keys: Keys, capsys: pytest.CaptureFixture[str]) -> Callable[..., Awaitable[str]]:
    """Runs the command line against the service and gives what it prints."""

    class Gateway:
        @asynccontextmanager
        async def calling(self, make: Callable[[Channel], Any]) -> AsyncIterator[Any]:
            with acting_as(signed(keys, "STEWARD"), within_ms=TIMEOUT_MS):
                yield make(channel)

    async def made(*words: str) -> str:
        arguments = parser().parse_args(words)
        await arguments.run(arguments, Gateway())
        return capsys.readouterr().out

    return made


async def proposed_pair(identity: Identity) -> str:
    await add_person(identity, name="Nguyễn Văn Đức", gender=Gender.MALE, citizen=citizen_number())
    await add_person(identity, name="Nguyen Van Duc", gender=Gender.MALE)
    await match_all(identity)
    pairs = await identity.doubles.duplicates.pairs(PairState.PROPOSED, after=("", "", ""), page_size=5)
    return f"citizens/{pairs[0].citizen_id}/duplicates/{pairs[0].other_citizen_id}"


async def test_a_preview_tells_the_evidence_of_each_field_in_both_languages(
    identity: Identity, call: Call
) -> None:
    known = await add_person(identity, citizen="099190123456")
    number = identity_pb2.Identifier(kind=identity_pb2.IDENTIFIER_KIND_CITIZEN_NUMBER, value="099190654321")
    facts = pb.MatchFacts(
        full_name="TẨN THỊ MỶ",
        birth_date="1990-03-02",
        gender=identity_pb2.GENDER_FEMALE,
        identifiers=[number],
    )

    answer = await call("PreviewMatch", pb.PreviewMatchRequest(facts=facts), role="CLERK")

    (candidate,) = answer.candidates
    assert candidate.citizen == f"citizens/{known}"
    assert candidate.match_class == pb.MATCH_CLASS_REVIEW
    assert next(rule.code for rule in candidate.rules) == "CITIZEN_NUMBERS_DIFFER"
    assert all(
        each.explanation_vi and each.explanation_en for each in (*candidate.evidence, *candidate.rules)
    )
    assert sum(each.weight_bits for each in candidate.evidence) == pytest.approx(
        candidate.weight_bits, abs=0.1
    )
    assert not candidate.facts.identifiers


async def test_a_steward_plans_merges_and_unmerges(identity: Identity, call: Call) -> None:
    first = f"citizens/{await add_person(identity, name='Lầu Thị Mai', citizen=citizen_number())}"
    second = f"citizens/{await add_person(identity, name='Lầu Thị Cúc')}"

    plan = (await call("PlanMerge", pb.PlanMergeRequest(citizen=second, survivor=first))).plan
    request = pb.MergeRequest(
        request_id=str(uuid.uuid4()),
        citizen=second,
        survivor=first,
        plan_digest=plan.digest,
        accept_conflicts=True,
    )
    merged = await call("Merge", request)
    again = await call("Merge", request)
    unmerged = await call("Unmerge", pb.UnmergeRequest(request_id=str(uuid.uuid4()), citizen=second))
    links = await call("ListLinks", pb.ListLinksRequest(citizen=first), role="AUDITOR")

    assert plan.conflicts == ["NAMES_DIFFER"]
    assert merged == again
    assert (merged.link.citizen, merged.link.survivor) == (second, first)
    assert unmerged.link.HasField("end_time")
    assert [link.citizen for link in links.links] == [second]


NOBODY = "citizens/nobody"
BAD_CALLS = [
    ("PreviewMatch", pb.PreviewMatchRequest(), "FACTS_INCOMPLETE", "facts"),
    ("PreviewMatch", pb.PreviewMatchRequest(citizen="x"), "CITIZEN_NAME_MALFORMED", "name"),
    ("PreviewMatch", pb.PreviewMatchRequest(citizen=NOBODY), "CITIZEN_NOT_FOUND", ""),
    (
        "PreviewMatch",
        pb.PreviewMatchRequest(facts=pb.MatchFacts(full_name="Lò", birth_date="1990-13-01")),
        "IMPOSSIBLE_DATE",
        "facts.birth_date",
    ),
    (
        "PreviewMatch",
        pb.PreviewMatchRequest(facts=pb.MatchFacts(full_name="Lò", birth_date="1990", ward_code="1")),
        "WARD_CODE_MALFORMED",
        "ward_code",
    ),
    ("ListDuplicates", pb.ListDuplicatesRequest(page_token="?"), "PAGE_TOKEN_MALFORMED", "page_token"),
    ("ListDuplicates", pb.ListDuplicatesRequest(page_size=201), "PAGE_SIZE_OUT_OF_RANGE", "page_size"),
    ("GetDuplicate", pb.GetDuplicateRequest(name="citizens/1"), "DUPLICATE_NAME_MALFORMED", "name"),
    ("GetDuplicate", pb.GetDuplicateRequest(name="citizens/1/duplicates/2"), "DUPLICATE_NOT_FOUND", ""),
    ("PlanMerge", pb.PlanMergeRequest(citizen=NOBODY, survivor=NOBODY), "MERGE_WITH_ITSELF", "survivor"),
    ("PlanMerge", pb.PlanMergeRequest(citizen=NOBODY, survivor="citizens/1"), "CITIZEN_NOT_FOUND", ""),
    (
        "Unmerge",
        pb.UnmergeRequest(request_id=str(uuid.uuid4()), citizen=NOBODY),
        "CITIZEN_NOT_FOUND",
        "",
    ),
    ("Merge", pb.MergeRequest(citizen=NOBODY, survivor="citizens/1"), "REQUEST_ID_REQUIRED", "request_id"),
    ("ListLinks", pb.ListLinksRequest(citizen=NOBODY), "CITIZEN_NOT_FOUND", ""),
]


@pytest.mark.parametrize(("method", "request_message", "reason", "field"), BAD_CALLS)
async def test_each_bad_call_is_a_typed_error_in_both_languages(
    call: Call, method: str, request_message: Any, reason: str, field: str
) -> None:
    with pytest.raises(AppError) as caught:
        await call(method, request_message)

    assert (caught.value.reason, caught.value.field or "") == (reason, field)
    assert caught.value.vi


@pytest.mark.parametrize(
    ("method", "request_message", "role"),
    [
        ("ListDuplicates", pb.ListDuplicatesRequest(), "CLERK"),
        ("Merge", pb.MergeRequest(), "AUDITOR"),
        ("ConfirmLink", pb.ConfirmLinkRequest(), "CLERK"),
        ("PreviewMatch", pb.PreviewMatchRequest(), "CITIZEN"),
        ("StartRematch", pb.StartRematchRequest(), "OPERATOR"),
    ],
)
async def test_others_are_refused(call: Call, method: str, request_message: Any, role: str) -> None:
    with pytest.raises(AppError) as caught:
        await call(method, request_message, role=role)

    assert caught.value.reason == "ROLE_NOT_ALLOWED"


async def test_pairs_come_in_pages(identity: Identity, call: Call) -> None:
    for given in ("Mai", "Cúc", "Lan"):
        await add_person(identity, name=f"Lầu Thị {given}", citizen=citizen_number())
        await add_person(identity, name=f"Lầu Thị {given}", citizen=citizen_number())
    await match_all(identity)

    names: list[str] = []
    token = ""
    while True:
        page = await call("ListDuplicates", pb.ListDuplicatesRequest(page_size=1, page_token=token))
        names += [each.name for each in page.duplicates]
        token = page.next_page_token
        if not token:
            break

    assert len(names) == len(set(names)) == 3


async def test_a_steward_works_the_doubles_from_the_command_line(
    identity: Identity, run: Callable[..., Awaitable[str]]
) -> None:
    name = await proposed_pair(identity)

    listed = json.loads(await run("--json", "duplicates", "list"))
    shown = await run("duplicates", "show", name)
    linked = json.loads(await run("--json", "duplicates", "link", name))
    await run("duplicates", "unmerge", linked["link"]["citizen"])
    links = await run("duplicates", "links", linked["link"]["survivor"])
    plan = json.loads(
        await run("--json", "duplicates", "plan-merge", linked["link"]["citizen"], linked["link"]["survivor"])
    )
    await run("duplicates", "rematch", "--start")
    preview = await run("duplicates", "preview", "--name", "Nguyễn Văn Đức", "--birth", "1990-03-02")

    assert [each["name"] for each in listed["duplicates"]] == [name]
    assert "một bên không có dấu" in " ".join(shown.split())
    assert "STEWARD" in links
    assert plan["plan"]["digest"]
    assert "Đã so sánh 2 hồ sơ" in preview


async def test_a_rejected_pair_is_told_as_rejected(
    identity: Identity, run: Callable[..., Awaitable[str]]
) -> None:
    name = await proposed_pair(identity)

    await run("duplicates", "reject", name)

    assert json.loads(await run("--json", "duplicates", "list")) == {}
    rejected = json.loads(await run("--json", "duplicates", "list", "--state", "rejected"))
    assert rejected["duplicates"][0]["name"] == name
