"""The population register as a program: it answers yes or no per field and never gives its own data away.

No public description of the real verification service exists; this JSON form is ours (see README.md).
"""

from __future__ import annotations

import hmac
import json
import re
import unicodedata
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from sandbox.faults import FAULT, FaultBoard, fault_middleware
from sandbox.person import RegisterEntry
from sandbox.population import Population
from sandbox.vietnamese import compare_names, fold_marks

FIELDS = ("full_name", "birth_date", "gender", "address")
_MAX_BODY_BYTES = 16_384
_MAX_TEXT = 300
_PERSONAL_NUMBER = re.compile(r"[0-9]{12}")
_BIRTH_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}-[0-9]{2})?")
_GENDERS = ("Nam", "Nữ", "MALE", "FEMALE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a caller wants confirmed; an empty field is not checked."""

    personal_number: str
    full_name: str
    birth_date: str
    """yyyy-MM-dd or yyyy."""
    gender: str
    """Nam, Nữ, MALE or FEMALE."""
    address: str


class ClaimError(ValueError):
    """A field of the claim is missing or has the wrong form."""


def parse_claim(body: bytes) -> Claim:
    """Read a claim from a JSON body.

    Raises:
        ClaimError: with the name of the field at fault.
    """
    try:
        document = json.loads(body)
    except ValueError as cause:
        raise ClaimError("body") from cause
    if not isinstance(document, dict):
        raise ClaimError("body")
    texts: dict[str, str] = {}
    for field in ("personal_number", *FIELDS):
        text = document.get(field, "")
        if not isinstance(text, str) or len(text) > _MAX_TEXT:
            raise ClaimError(field)
        texts[field] = text.strip()
    if not _PERSONAL_NUMBER.fullmatch(texts["personal_number"]):
        raise ClaimError("personal_number")
    if texts["birth_date"] and not _BIRTH_DATE.fullmatch(texts["birth_date"]):
        raise ClaimError("birth_date")
    if texts["gender"] and texts["gender"] not in _GENDERS:
        raise ClaimError("gender")
    return Claim(**texts)


def _check_birth(claimed: str, held: str) -> tuple[str, str]:
    if claimed == held:
        return "MATCH", ""
    if len(claimed) != len(held) and claimed[:4] == held[:4]:
        return "PARTIAL", "YEAR_ONLY"
    return "MISMATCH", "YEAR_SAME" if claimed[:4] == held[:4] else "DIFFERENT"


def _check_gender(claimed: str, held: str) -> tuple[str, str]:
    word = {"MALE": "Nam", "FEMALE": "Nữ"}.get(claimed, claimed)
    return ("MATCH", "") if word == held else ("MISMATCH", "DIFFERENT")


def _plain_address(address: str) -> str:
    return " ".join(unicodedata.normalize("NFC", address).casefold().replace(",", " ").split())


def _check_address(claimed: str, entry: RegisterEntry) -> tuple[str, str]:
    wanted = _plain_address(claimed)
    if wanted == _plain_address(entry.address):
        return "MATCH", ""
    if wanted == _plain_address(entry.former_address):
        return "PARTIAL", "FORMER_UNIT"
    if fold_marks(wanted) in {
        fold_marks(_plain_address(text)) for text in (entry.address, entry.former_address)
    }:
        return "PARTIAL", "MARKS_DIFFER"
    return "MISMATCH", "DIFFERENT"


def verify(claim: Claim, entry: RegisterEntry) -> dict[str, tuple[str, str]]:
    """Outcome and reason per field: MATCH, PARTIAL, MISMATCH, or NOT_CHECKED for an empty claim."""
    checks: dict[str, Callable[[], tuple[str, str]]] = {
        "full_name": lambda: compare_names(claim.full_name, entry.full_name),
        "birth_date": lambda: _check_birth(claim.birth_date, entry.birth_text),
        "gender": lambda: _check_gender(claim.gender, entry.gender),
        "address": lambda: _check_address(claim.address, entry),
    }
    return {
        field: check() if getattr(claim, field) else ("NOT_CHECKED", "") for field, check in checks.items()
    }


class Registry:
    """The register's HTTP face."""

    def __init__(
        self,
        population: Population,
        board: FaultBoard,
        *,
        client_keys: dict[str, str],
        clock: Callable[[], datetime],
    ) -> None:
        self._population = population
        self._board = board
        self._client_keys = client_keys
        self._clock = clock

    def create_app(self) -> web.Application:
        """A fresh application on the same state."""
        app = web.Application(
            middlewares=[fault_middleware(self._board, "registry")], client_max_size=_MAX_BODY_BYTES
        )
        app.router.add_post("/v1/verifications", self._verify)
        return app

    def _is_known_client(self, request: web.Request) -> bool:
        key = self._client_keys.get(request.headers.get("X-Client-Id", ""), "")
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
        return bool(key) and hmac.compare_digest(given, key.encode())

    async def _verify(self, request: web.Request) -> web.Response:
        if not self._is_known_client(request):
            return web.json_response({"error": "UNAUTHORIZED"}, status=401)
        try:
            claim = parse_claim(await request.read())
        except ClaimError as refusal:
            return web.json_response({"error": "BAD_REQUEST", "field": str(refusal)}, status=400)
        fault = request.get(FAULT)
        entry = self._entry_for(claim, is_wrong=fault is not None and fault.mode == "wrong")
        outcome = verify(claim, entry) if entry is not None else dict.fromkeys(FIELDS, ("NOT_CHECKED", ""))
        return web.json_response(
            {
                "transaction_id": str(uuid.uuid4()),
                "time": self._clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
                "found": entry is not None,
                "result_per_field": {field: result for field, (result, _) in outcome.items()},
                "reasons": {field: reason for field, (_, reason) in outcome.items() if reason},
            }
        )

    def _entry_for(self, claim: Claim, *, is_wrong: bool) -> RegisterEntry | None:
        person = self._population.by_personal_number.get(claim.personal_number)
        if person is None:
            return None
        if is_wrong:
            others = self._population.people
            person = others[(person.index + 1) % len(others)]
        return person.register
