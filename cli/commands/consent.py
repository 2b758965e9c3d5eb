"""`lienthong consent`: texts, giving, withdrawing, listing and checking consents."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from rich.table import Table

from cli import tables
from cli.connection import Gateway
from cli.moments import day_end, moment, stamp
from cli.output import add_request_id, answer, as_dict, print_json, request_id
from cli.parsers import Commands
from lienthong.identity.v1 import consent_pb2 as pb
from lienthong.identity.v1.consent_pb2_grpc import ConsentServiceStub


def words(names: Sequence[str], prefix: str) -> list[str]:
    """The values of an enum as they are typed: `CONSENT_PURPOSE_CHIP_READING` is `chip-reading`."""
    short = (name.removeprefix(prefix).lower().replace("_", "-") for name in names)
    return [name for name in short if name != "unspecified"]


PURPOSES = words(pb.ConsentPurpose.keys(), "CONSENT_PURPOSE_")
SCOPES = words(pb.ConsentScope.keys(), "CONSENT_SCOPE_")
CHANNELS = words(pb.ConsentChannel.keys(), "CONSENT_CHANNEL_")


def wire_name(prefix: str, word: str) -> str:
    """The enum's name behind a typed word."""
    return prefix + word.upper().replace("-", "_")


def purpose(word: str) -> pb.ConsentPurpose.ValueType:
    """A typed purpose on the wire."""
    return pb.ConsentPurpose.Value(wire_name("CONSENT_PURPOSE_", word))


def scopes(typed: Sequence[str]) -> list[pb.ConsentScope.ValueType]:
    """Typed kinds of data on the wire."""
    return [pb.ConsentScope.Value(wire_name("CONSENT_SCOPE_", word)) for word in typed]


def channel(word: str) -> pb.ConsentChannel.ValueType:
    """A typed channel on the wire."""
    return pb.ConsentChannel.Value(wire_name("CONSENT_CHANNEL_", word))


def add(commands: Commands) -> None:
    """Describe the commands."""
    parser = commands.add_parser("consent", help="texts, giving, withdrawing, listing and checking consents")
    actions = parser.add_subparsers(dest="action", required=True)
    shown = actions.add_parser("text", help="show a text exactly as it has to be shown")
    shown.add_argument("purpose", choices=PURPOSES)
    shown.add_argument("--language", choices=("vi", "en"), default="vi")
    shown.set_defaults(run=show_text)
    _describe_give(actions.add_parser("give", help="record that a person agreed to the text in force"))
    withdraw = actions.add_parser("withdraw", help="end a consent now")
    withdraw.add_argument("consent", help="citizens/…/consents/…")
    withdraw.add_argument("--channel", choices=CHANNELS, required=True)
    withdraw.add_argument("--whole-purpose", action="store_true", help="every standing one of its purpose")
    add_request_id(withdraw)
    withdraw.set_defaults(run=withdraw_consent)
    listing = actions.add_parser("list", help="list a citizen's consents, newest first")
    listing.add_argument("citizen", help="citizens/…")
    listing.add_argument("--page-size", type=int, default=20)
    listing.add_argument("--page-token", default="")
    listing.set_defaults(run=list_consents)
    check = actions.add_parser("check", help="is, or was, a use of data permitted?")
    check.add_argument("citizen", help="citizens/…")
    check.add_argument("--purpose", choices=PURPOSES, required=True)
    check.add_argument("--scope", choices=SCOPES, action="append", required=True)
    check.add_argument("--facility", default="", help="who uses the data; your own when left out")
    check.add_argument("--at", type=moment, help="14/08/2026, or with 09:30; now when left out")
    check.set_defaults(run=check_consent)


def _describe_give(give: ArgumentParser) -> None:
    give.add_argument("citizen", help="citizens/…")
    give.add_argument("--purpose", choices=PURPOSES, required=True)
    give.add_argument("--scope", choices=SCOPES, action="append", required=True)
    give.add_argument("--channel", choices=CHANNELS, required=True)
    give.add_argument("--agreed", action="store_true", help="the person read this very text and said yes")
    give.add_argument("--text-hash", default="", help="hash of the text that was shown, from `consent text`")
    give.add_argument("--language", choices=("vi", "en"), default="vi")
    give.add_argument("--facility", default="", help="for this facility alone; all of the province without")
    give.add_argument("--giver", default="", help="guardian or delegate who agrees, citizens/…")
    give.add_argument("--minor-agreed", action="store_true", help="the child was asked and agreed too")
    give.add_argument("--evidence", default="", help="number of the sheet or recording")
    give.add_argument("--until", type=day_end, help="last day; the text's own limit when left out")
    add_request_id(give)
    give.set_defaults(run=give_consent)


async def show_text(arguments: Namespace, gateway: Gateway) -> None:
    """Show the text in force."""
    text = await _text_in_force(arguments, gateway)
    if arguments.json:
        print_json(None if text is None else as_dict(text))
    elif text is None:
        print("Không có văn bản nào đang có hiệu lực. / No text is in force.")
    else:
        _print_text(text)


async def give_consent(arguments: Namespace, gateway: Gateway) -> None:
    """Record a consent; without --agreed the text is shown and nothing is recorded."""
    text = await _text_in_force(arguments, gateway)
    if text is not None and not (arguments.agreed and arguments.text_hash):
        if arguments.json:
            print_json({"recorded": False, "text": as_dict(text)})
            return
        _print_text(text)
        print(
            "Chưa ghi nhận gì. Hỏi người bệnh, rồi gửi lại với --agreed --text-hash như trên.\n"
            "Nothing was recorded. Ask the person, then repeat with --agreed and --text-hash as above."
        )
        return
    chosen = text or pb.ConsentText()
    async with gateway.calling(ConsentServiceStub) as stub:
        given = await stub.GiveConsent(
            pb.GiveConsentRequest(
                request_id=request_id(arguments),
                parent=arguments.citizen,
                purpose=purpose(arguments.purpose),
                scopes=scopes(arguments.scope),
                facility_code=arguments.facility,
                text_id=chosen.text_id,
                text_version=chosen.version,
                text_language=chosen.language,
                text_hash=arguments.text_hash,
                channel=channel(arguments.channel),
                giver=arguments.giver,
                minor_agreed=arguments.minor_agreed,
                evidence_reference=arguments.evidence,
                expire_time=stamp(arguments.until),
            )
        )
    answer(arguments, given.consent, lambda consent: consent_table([consent]))


async def withdraw_consent(arguments: Namespace, gateway: Gateway) -> None:
    """End a consent."""
    async with gateway.calling(ConsentServiceStub) as stub:
        ended = await stub.WithdrawConsent(
            pb.WithdrawConsentRequest(
                request_id=request_id(arguments),
                name=arguments.consent,
                channel=channel(arguments.channel),
                whole_purpose=arguments.whole_purpose,
            )
        )
    answer(arguments, ended, lambda found: consent_table(found.consents))


async def list_consents(arguments: Namespace, gateway: Gateway) -> None:
    """List consents."""
    async with gateway.calling(ConsentServiceStub) as stub:
        page = await stub.ListConsents(
            pb.ListConsentsRequest(
                parent=arguments.citizen, page_size=arguments.page_size, page_token=arguments.page_token
            )
        )
    answer(arguments, page, lambda found: consent_table(found.consents))
    if page.next_page_token and not arguments.json:
        print(f"more: --page-token {page.next_page_token}")


async def check_consent(arguments: Namespace, gateway: Gateway) -> None:
    """Ask whether a use is or was permitted."""
    async with gateway.calling(ConsentServiceStub) as stub:
        found = await stub.CheckConsent(
            pb.CheckConsentRequest(
                citizen=arguments.citizen,
                purpose=purpose(arguments.purpose),
                scopes=scopes(arguments.scope),
                facility_code=arguments.facility,
                at_time=stamp(arguments.at),
            )
        )
    answer(arguments, found, _decision)


def consent_table(listed: Sequence[pb.Consent]) -> Table:
    """Consents in sentences."""
    table = tables.plain("Sự đồng ý (consent)", "Nội dung")
    for consent in listed:
        table.add_row(consent.name, consent.sentence_vi)
    return table


def _decision(found: pb.CheckConsentResponse) -> str:
    decision = pb.ConsentDecision.Name(found.decision).removeprefix("CONSENT_DECISION_")
    return f"{decision} {found.reason or found.consent}\n{found.explanation_vi}"


async def _text_in_force(arguments: Namespace, gateway: Gateway) -> pb.ConsentText | None:
    async with gateway.calling(ConsentServiceStub) as stub:
        found = await stub.ListConsentTexts(
            pb.ListConsentTextsRequest(purpose=purpose(arguments.purpose), language=arguments.language)
        )
    return found.texts[0] if found.texts else None


def _print_text(text: pb.ConsentText) -> None:
    print(text.content)
    print(f"{text.text_id} {text.version} {text.language} --text-hash {text.content_hash}")
