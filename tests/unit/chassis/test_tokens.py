"""Internal tokens: who may vouch for whom, and for how long."""

from __future__ import annotations

import json
import stat
import subprocess
import sys

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey

from chassis.errors import TokenExpired, TokenIssuerRefused, TokenRefused
from chassis.rpc.context import Caller
from chassis.rpc.tokens import AUDIENCE, Minter, Verifier, generate_token_keys, load_signing_key

NOW_S = 1_700_000_000.0
CLERK = Caller(subject="persons/7", roles=frozenset({"CLERK"}), facility="79001", purpose="treatment")


class Clock:
    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("token-keys")
    for issuer in ("gateway", "emr"):
        generate_token_keys(folder / f"{issuer}.json", folder / "public.json", issuer=issuer)
    return folder


@pytest.fixture
def verifier(folder, clock) -> Verifier:
    return Verifier(KeySet.import_key_set(json.loads((folder / "public.json").read_text())), now=clock)


@pytest.fixture
def gateway(folder, clock) -> Minter:
    return Minter(load_signing_key(folder / "gateway.json"), now=clock)


@pytest.fixture
def emr(folder, clock) -> Minter:
    return Minter(load_signing_key(folder / "emr.json"), now=clock)


def signed(folder, clock, issuer="gateway", typ="lt-internal+jwt", **claims):
    key = load_signing_key(folder / f"{issuer}.json")
    body = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": "persons/7",
        "roles": ["CLERK"],
        "iat": int(clock()),
        "exp": int(clock()) + 300,
    }
    body.update(claims)
    header = {"alg": "Ed25519", "kid": key.kid, "typ": typ}
    return jwt.encode(header, {k: v for k, v in body.items() if v is not None}, key, algorithms=["Ed25519"])


def test_the_gateway_vouches_for_a_person(gateway, verifier):
    token = gateway.mint(CLERK)
    caller = verifier.verify(token)

    assert (caller.subject, caller.roles) == ("persons/7", {"CLERK"})
    assert (caller.facility, caller.purpose, caller.token) == ("79001", "treatment", token)


def test_a_token_ends_after_its_time_and_the_leeway(gateway, verifier, clock):
    token = gateway.mint(CLERK)
    clock.now_s = NOW_S + 359
    verifier.verify(token)
    clock.now_s = NOW_S + 360
    with pytest.raises(TokenExpired):
        verifier.verify(token)  # also when it was seen before
    with pytest.raises(TokenExpired):
        verifier.verify(token)


def test_a_token_from_the_future_is_refused(folder, clock, verifier):
    verifier.verify(signed(folder, clock, iat=int(NOW_S) + 59))
    with pytest.raises(TokenRefused):
        verifier.verify(signed(folder, clock, iat=int(NOW_S) + 61))


def test_a_service_vouches_for_itself_and_for_nobody_else(emr, verifier):
    assert verifier.verify(emr.service_caller().token).subject == "services/emr"
    with pytest.raises(TokenIssuerRefused):
        verifier.verify(emr.mint(CLERK))


def test_a_service_with_a_persons_role_beside_its_own_is_refused(emr, verifier):
    both = Caller(subject="services/emr", roles=frozenset({"SERVICE", "CLERK"}))
    with pytest.raises(TokenIssuerRefused):
        verifier.verify(emr.mint(both))


def test_a_service_cannot_sign_as_the_gateway(folder, clock, verifier):
    with pytest.raises(TokenRefused):
        verifier.verify(signed(folder, clock, issuer="emr", iss="gateway"))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "somebody-else"},
        {"aud": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"roles": None},
        {"roles": "CLERK"},
        {"roles": [1]},
        {"fac": 5},
        {"typ": "JWT"},
    ],
)
def test_a_token_with_wrong_claims_is_refused(folder, clock, verifier, claims):
    with pytest.raises(TokenRefused):
        verifier.verify(signed(folder, clock, **claims))


def test_a_token_signed_with_another_algorithm_is_refused(folder, verifier, clock):
    public = json.loads((folder / "public.json").read_text())["keys"][0]
    body = {
        "iss": "gateway",
        "aud": AUDIENCE,
        "sub": "p",
        "roles": ["CLERK"],
        "iat": int(NOW_S),
        "exp": int(NOW_S) + 300,
    }
    header = {"alg": "HS256", "kid": public["kid"], "typ": "lt-internal+jwt"}
    forged = jwt.encode(header, body, OctKey.import_key(public["x"]), algorithms=["HS256"])
    for token in (forged, forged.rsplit(".", 1)[0] + ".", "", "a.b.c", "x" * 5_000):
        with pytest.raises(TokenRefused):
            verifier.verify(token)


def test_a_token_of_an_unknown_key_is_refused(tmp_path, clock, verifier):
    generate_token_keys(tmp_path / "gateway.json", tmp_path / "public.json")
    stranger = Minter(load_signing_key(tmp_path / "gateway.json"), now=clock)
    with pytest.raises(TokenRefused):
        verifier.verify(stranger.mint(CLERK))


def test_a_changed_token_is_refused(gateway, verifier):
    head, body, signature = gateway.mint(CLERK).split(".")
    with pytest.raises(TokenRefused):
        verifier.verify(f"{head}.{body}.{signature[:-8]}AAAAAAAA")


def test_a_hot_token_costs_no_signature_check(gateway, verifier, monkeypatch):
    token = gateway.mint(CLERK)
    first = verifier.verify(token)
    monkeypatch.setattr(jwt, "decode", None)

    assert verifier.verify(token) is first


def test_the_memory_of_tokens_is_bounded(folder, clock, verifier, monkeypatch):
    monkeypatch.setattr("chassis.rpc.tokens._CACHE_MAX", 3)
    for number in range(6):
        verifier.verify(signed(folder, clock, sub=f"persons/{number}"))

    assert len(verifier._seen) == 3


def test_a_minted_token_is_handed_out_again_while_it_has_two_minutes(gateway, clock):
    first = gateway.mint(CLERK)
    clock.now_s = NOW_S + 170
    assert gateway.mint(CLERK) == first
    clock.now_s = NOW_S + 181
    assert gateway.mint(CLERK) != first


def test_a_private_key_is_its_owners_alone_and_never_in_the_public_file(folder):
    assert stat.S_IMODE((folder / "gateway.json").stat().st_mode) == 0o600
    keys = json.loads((folder / "public.json").read_text())["keys"]

    assert {key["kid"].partition(".")[0] for key in keys} == {"gateway", "emr"}
    assert all("d" not in key for key in keys)


def test_keys_are_made_from_the_command_line(tmp_path):
    private, public = tmp_path / "k" / "payment.json", tmp_path / "public.json"
    subprocess.run(
        [sys.executable, "-m", "chassis.rpc.tokens", private, public, "--issuer", "payment"], check=True
    )

    caller = Minter(load_signing_key(private)).service_caller()
    assert Verifier.from_file(public).verify(caller.token).subject == "services/payment"
