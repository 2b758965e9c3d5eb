"""Passive authentication: sound chips of every kind, and each way to forge or break one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from standards.errors import FormatError
from standards.icao.certificates import TrustStore, build_trust_store
from standards.icao.errors import (
    ChipAlgorithmUnsupported,
    ChipDataTooLarge,
    ChipDataTrailing,
    ChipDataTruncated,
    ChipGroupTagWrong,
    ChipLengthForm,
    SecurityObjectMalformed,
)
from standards.icao.lds import MAX_GROUP_BYTES
from standards.icao.security_object import (
    MAX_SECURITY_OBJECT_BYTES,
    ChipFault,
    ChipOutcome,
    ChipVerdict,
    ChipWarning,
    authenticate,
)
from tests.support.chip_maker import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    NOW,
    Party,
    Recipe,
    all_groups,
    attribute,
    authority,
    dg1,
    dg2,
    dg13,
    ec_key,
    revocation_list,
    rsa_key,
    security_object,
    signer,
    td1,
    tlv,
)

CSCA = authority()
DSC = signer(CSCA)
SOUND = Recipe(signer=DSC)
YEAR = timedelta(days=365)


def trust_in(*parties: Party, lists: tuple[bytes, ...] = ()) -> TrustStore:
    files = [(f"{index}.der", each.der) for index, each in enumerate(parties)]
    store, faults = build_trust_store([*files, *((f"{index}.crl", each) for index, each in enumerate(lists))])
    assert faults == ()
    return store


def judge(recipe: Recipe, *, trust: TrustStore | None = None) -> ChipVerdict:
    store = trust_in(CSCA) if trust is None else trust
    return authenticate(security_object(recipe), recipe.groups, store, moment=NOW)


def test_a_sound_chip_of_a_trusted_issuer_is_valid() -> None:
    verdict = judge(SOUND)

    assert (verdict.outcome, verdict.fault) == (ChipOutcome.VALID, None)
    assert verdict.groups == (1, 2, 13, 14, 15)
    assert verdict.digest == "sha256"
    assert len(verdict.signer_fingerprint) == len(verdict.issuer_fingerprint) == 64
    assert verdict.issuer_country == "VN"
    assert verdict.warnings == (ChipWarning.REVOCATION_NOT_CHECKED,)


@pytest.mark.parametrize(
    "trusted", [(), (authority(name="Another CSCA", key=ec_key(9)),)], ids=["none", "another"]
)
def test_a_sound_chip_of_an_issuer_nobody_knows_is_intact(trusted: tuple[Party, ...]) -> None:
    verdict = judge(SOUND, trust=trust_in(*trusted))

    assert verdict.outcome is ChipOutcome.INTACT_BUT_ISSUER_UNKNOWN
    assert (verdict.issuer_fingerprint, verdict.issuer_country) == ("", "")


def brainpool(index: int) -> ec.EllipticCurvePrivateKey:
    return ec_key(index, ec.BrainpoolP256R1)


WAYS_TO_SIGN = {
    "key identifier": (CSCA, SOUND.but(by_key_identifier=True)),
    "list version 1": (CSCA, SOUND.but(version=1)),
    "SHA-512 groups": (CSCA, SOUND.but(digest="sha512")),
    "SHA-384 signature": (CSCA, SOUND.but(signature_digest="sha384")),
    "RSA PKCS 1": (CSCA, Recipe(signer=signer(CSCA, key=rsa_key()))),
    "RSA-PSS": (CSCA, Recipe(signer=signer(CSCA, key=rsa_key()), pss=True)),
    "RSA-PSS SHA-512": (
        CSCA,
        Recipe(signer=signer(CSCA, key=rsa_key()), pss=True, signature_digest="sha512"),
    ),
    "P-521": (CSCA, Recipe(signer=signer(CSCA, key=ec_key(3, ec.SECP521R1)))),
    "Brainpool": (CSCA, Recipe(signer=signer(CSCA, key=brainpool(3)))),
    "Brainpool written out": (CSCA, Recipe(signer=signer(CSCA, key=brainpool(3), written_out=True))),
    "no identifiers": (CSCA, Recipe(signer=signer(CSCA, with_identifiers=False))),
    "no key usage": (CSCA, Recipe(signer=signer(CSCA, usage=None))),
    "two certificates": (CSCA, SOUND.but(certificates=[signer(CSCA, serial=8), DSC])),
    "attributes out of order": (CSCA, SOUND.but(order=lambda made: sorted(made, reverse=True))),
    "fewer groups read than signed": (CSCA, SOUND.but(listed=lambda pairs: [*pairs, (3, bytes(32))])),
}
for each in (rsa_key(8), brainpool(8)):
    issuer = authority(key=each, written_out=isinstance(each, ec.EllipticCurvePrivateKey))
    WAYS_TO_SIGN[f"authority with {type(each).__name__}"] = (issuer, Recipe(signer=signer(issuer)))


@pytest.mark.parametrize("way", WAYS_TO_SIGN)
def test_every_way_to_sign_that_the_standard_allows_is_valid(way: str) -> None:
    issuer, recipe = WAYS_TO_SIGN[way]

    assert judge(recipe, trust=trust_in(issuer)).outcome is ChipOutcome.VALID


def swapped(made: list[bytes], oid: str, *values: bytes) -> list[bytes]:
    """The attributes with one of them replaced, or taken out when there is no value."""
    start = attribute(oid)[2:13]
    kept = [each for each in made if each[2:13] != start]
    return [*kept, attribute(oid, *values)] if values else kept


OTHER_OID = tlv(0x06, bytes.fromhex("2a864886f70d010701"))
FAULTS: dict[str, tuple[Recipe, ChipFault, int]] = {
    "digest of DG1 wrong": (
        SOUND.but(listed=lambda p: [(1, bytes(32)), *p[1:]]),
        ChipFault.GROUP_DIGEST_WRONG,
        1,
    ),
    "digest of DG13 short": (
        SOUND.but(listed=lambda p: [(n, d[:31]) if n == 13 else (n, d) for n, d in p]),
        ChipFault.GROUP_DIGEST_WRONG,
        13,
    ),
    "DG13 not listed": (
        SOUND.but(listed=lambda p: [each for each in p if each[0] != 13]),
        ChipFault.GROUP_NOT_SIGNED,
        13,
    ),
    "DG1 listed twice": (SOUND.but(listed=lambda p: [*p, (1, bytes(32))]), ChipFault.GROUP_LISTED_TWICE, 1),
    "DG1 listed twice alike": (SOUND.but(listed=lambda p: [*p, p[0]]), ChipFault.GROUP_LISTED_TWICE, 1),
    "signature changed": (
        SOUND.but(signature=lambda s: s[:-1] + bytes((s[-1] ^ 1,))),
        ChipFault.SIGNATURE_WRONG,
        0,
    ),
    "signature empty": (SOUND.but(signature=lambda _: b""), ChipFault.SIGNATURE_WRONG, 0),
    "signed by another key": (
        SOUND.but(signer=Party(key=ec_key(5), certificate=DSC.certificate)),
        ChipFault.SIGNATURE_WRONG,
        0,
    ),
    "signed over the implicit tag": (
        SOUND.but(signed_bytes=lambda content: b"\xa0" + content[1:]),
        ChipFault.SIGNATURE_WRONG,
        0,
    ),
    "no signed attributes": (SOUND.but(with_attributes=False), ChipFault.SIGNED_ATTRIBUTES_MISSING, 0),
    "no message digest": (
        SOUND.but(attributes=lambda made: swapped(made, MESSAGE_DIGEST)),
        ChipFault.SIGNED_ATTRIBUTES_MISSING,
        0,
    ),
    "no content type": (
        SOUND.but(attributes=lambda made: swapped(made, CONTENT_TYPE)),
        ChipFault.SIGNED_ATTRIBUTES_MISSING,
        0,
    ),
    "message digest twice": (
        SOUND.but(attributes=lambda made: [*made, made[2]]),
        ChipFault.SIGNED_ATTRIBUTE_REPEATED,
        0,
    ),
    "message digest with two values": (
        SOUND.but(
            attributes=lambda made: swapped(made, MESSAGE_DIGEST, tlv(0x04, bytes(32)), tlv(0x04, bytes(32)))
        ),
        ChipFault.SIGNED_ATTRIBUTE_REPEATED,
        0,
    ),
    "message digest of something else": (
        SOUND.but(attributes=lambda made: swapped(made, MESSAGE_DIGEST, tlv(0x04, bytes(32)))),
        ChipFault.CONTENT_DIGEST_WRONG,
        0,
    ),
    "message digest of another type": (
        SOUND.but(attributes=lambda made: [*made[:2], made[2].replace(b"\x04\x20", b"\x0c\x20")]),
        ChipFault.CONTENT_DIGEST_WRONG,
        0,
    ),
    "content type of something else": (
        SOUND.but(attributes=lambda made: swapped(made, CONTENT_TYPE, OTHER_OID)),
        ChipFault.CONTENT_TYPE_WRONG,
        0,
    ),
    "list changed after signing": (
        SOUND.but(content=lambda made: made[:-1] + bytes((made[-1] ^ 1,))),
        ChipFault.CONTENT_DIGEST_WRONG,
        0,
    ),
    "no signer": (SOUND.but(signer_count=0), ChipFault.SIGNER_COUNT, 0),
    "two signers": (SOUND.but(signer_count=2), ChipFault.SIGNER_COUNT, 0),
    "no certificate": (SOUND.but(certificates=[]), ChipFault.SIGNER_CERTIFICATE_MISSING, 0),
    "certificate of another signer": (
        SOUND.but(certificates=[signer(CSCA, serial=8)]),
        ChipFault.SIGNER_CERTIFICATE_MISSING,
        0,
    ),
    "two certificates fit": (
        SOUND.but(certificates=[DSC, signer(CSCA, key=ec_key(6))]),
        ChipFault.SIGNER_CERTIFICATE_MISSING,
        0,
    ),
    "certificate not for signing": (
        Recipe(signer=signer(CSCA, usage=frozenset({"key_encipherment"}))),
        ChipFault.SIGNER_USAGE_WRONG,
        0,
    ),
    "groups digested by MD5": (SOUND.but(digest="md5"), ChipFault.WEAK_DIGEST, 0),
    "groups digested by SHA-1": (SOUND.but(digest="sha1"), ChipFault.WEAK_DIGEST, 0),
    "signed with SHA-1": (SOUND.but(signature_digest="sha1"), ChipFault.WEAK_DIGEST, 0),
    "certificate signed with SHA-1": (Recipe(signer=signer(CSCA, digest="sha1")), ChipFault.WEAK_DIGEST, 0),
    "RSA of 1,024 bits": (Recipe(signer=signer(CSCA, key=rsa_key(4, 1_024))), ChipFault.WEAK_KEY, 0),
    "signer expired": (
        Recipe(signer=signer(CSCA, days=(NOW - 3 * YEAR, NOW - YEAR))),
        ChipFault.SIGNER_EXPIRED,
        0,
    ),
    "signer not yet valid": (
        Recipe(signer=signer(CSCA, days=(NOW + YEAR, NOW + 3 * YEAR))),
        ChipFault.SIGNER_NOT_YET_VALID,
        0,
    ),
    "signer pretends to be of the authority": (
        Recipe(signer=signer(Party(key=ec_key(5), certificate=CSCA.certificate))),
        ChipFault.CHAIN_SIGNATURE_WRONG,
        0,
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_each_forgery_is_invalid_for_its_own_reason(case: str) -> None:
    recipe, fault, group = FAULTS[case]
    verdict = judge(recipe)

    assert (verdict.outcome, verdict.fault, verdict.group) == (ChipOutcome.INVALID, fault, group)
    assert verdict.issuer_fingerprint == ""


@pytest.mark.parametrize("number", [1, 2, 13, 14, 15])
def test_a_changed_group_is_found_without_any_trust(number: int) -> None:
    groups = all_groups()
    groups[number] = {
        1: dg1(td1(number="099190000018")),
        2: dg2(15_001),
        13: dg13({2: "Nguyễn Thị Hoa"}),
    }.get(number, groups[number][:-2] + tlv(0x04))
    verdict = authenticate(security_object(SOUND), groups, TrustStore(), moment=NOW)

    assert (verdict.outcome, verdict.fault, verdict.group) == (
        ChipOutcome.INVALID,
        ChipFault.GROUP_DIGEST_WRONG,
        number,
    )


def test_a_signer_counts_on_the_first_and_the_last_second_of_its_days() -> None:
    recipe = Recipe(signer=signer(CSCA, days=(NOW, NOW + YEAR)))
    sod, trust = security_object(recipe), trust_in(CSCA)
    second = timedelta(seconds=1)

    found = [authenticate(sod, recipe.groups, trust, moment=at).fault for at in
             (NOW - second, NOW, NOW + YEAR, NOW + YEAR + second)]  # fmt: skip

    assert found == [ChipFault.SIGNER_NOT_YET_VALID, None, None, ChipFault.SIGNER_EXPIRED]


def test_an_expired_authority_makes_no_chip_valid() -> None:
    old = authority(days=(NOW - 3 * YEAR, NOW - YEAR))

    assert judge(Recipe(signer=signer(old)), trust=trust_in(old)).fault is ChipFault.ISSUER_NOT_VALID


def test_an_authority_that_changed_its_key_and_kept_its_name_is_found_by_the_key() -> None:
    former = authority(key=ec_key(11))

    assert judge(SOUND, trust=trust_in(former, CSCA)).outcome is ChipOutcome.VALID
    assert judge(SOUND, trust=trust_in(former)).outcome is ChipOutcome.INTACT_BUT_ISSUER_UNKNOWN


def test_a_revoked_signer_is_invalid_and_others_stay_valid() -> None:
    revoked = judge(SOUND, trust=trust_in(CSCA, lists=(revocation_list(CSCA, [5, 7]),)))
    other = judge(SOUND, trust=trust_in(CSCA, lists=(revocation_list(CSCA, [5]),)))
    old = judge(SOUND, trust=trust_in(CSCA, lists=(revocation_list(CSCA, next_update=NOW - YEAR),)))

    assert revoked.fault is ChipFault.SIGNER_REVOKED
    assert (other.outcome, other.warnings) == (ChipOutcome.VALID, ())
    assert (old.outcome, old.warnings) == (ChipOutcome.VALID, (ChipWarning.REVOCATION_LIST_OLD,))


def test_files_that_cannot_be_trusted_are_told_and_left_out() -> None:
    forged = revocation_list(CSCA, [7], key=ec_key(5))
    store, faults = build_trust_store(
        [
            ("csca.der", CSCA.der),
            ("signer.der", DSC.der),
            ("forged.crl", forged),
            ("cut.der", CSCA.der[:-9]),
            ("note.txt", b"hello"),
            ("empty", b""),
            ("broken.pem", b"-----BEGIN CERTIFICATE-----\nAAAA"),
        ]
    )

    assert [each.subject for each in store.anchors] == [store.anchors[0].issuer]
    assert dict(store.lists) == {}
    assert [(each.file_name, each.reason) for each in faults] == [
        ("signer.der", "NOT_AN_AUTHORITY"),
        ("cut.der", "CHIP_DATA_TRUNCATED"),
        ("note.txt", "CHIP_DATA_TRUNCATED"),
        ("empty", "CHIP_DATA_TRUNCATED"),
        ("broken.pem", "SECURITY_OBJECT_MALFORMED"),
        ("forged.crl", "LIST_OF_NOBODY"),
    ]


SOD = security_object(SOUND)


def test_a_security_object_cut_at_any_byte_is_a_typed_error() -> None:
    for cut in range(len(SOD)):
        with pytest.raises(ChipDataTruncated):
            authenticate(SOD[:cut], {}, TrustStore(), moment=NOW)


def indefinite(content: bytes) -> bytes:
    """The same object with the length of its first inner element left open, as BER allows."""
    assert content[:2] == b"\x77\x82"
    assert content[4:6] == b"\x30\x82"
    return tlv(0x77, b"\x30\x80" + content[8:] + b"\x00\x00")


BAD_BYTES = {
    "a byte behind the end": (SOD + b"\x00", ChipDataTrailing),
    "a byte behind the signed data": (tlv(0x77, SOD[4:] + b"\x05\x00"), ChipDataTrailing),
    "indefinite length": (indefinite(SOD), ChipLengthForm),
    "long form of a short length": (tlv(0x77, b"\x30\x81\x05" + bytes(5)), ChipLengthForm),
    "padded length": (b"\x77\x83\x00" + SOD[2:], ChipLengthForm),
    "another file": (dg1(), ChipGroupTagWrong),
    "no signed data": (tlv(0x77, tlv(0x30, tlv(0x06, b"\x2a\x03"), tlv(0xA0, b""))), SecurityObjectMalformed),
    "nothing inside": (tlv(0x77), ChipDataTruncated),
    "another content type": (security_object(SOUND.but(content_type="1.2.840.113549.1.7.1")), SecurityObjectMalformed),
    "list of version 2": (security_object(SOUND.but(version=2)), SecurityObjectMalformed),
    "group number 17": (
        security_object(SOUND.but(listed=lambda pairs: [*pairs, (17, bytes(32))])),
        SecurityObjectMalformed,
    ),
    "unknown digest": (SOD.replace(bytes.fromhex("0609608648016503040201"), bytes.fromhex("0609608648016503040209")),
                       ChipAlgorithmUnsupported),
    "too large": (tlv(0x77, bytes(MAX_SECURITY_OBJECT_BYTES)), ChipDataTooLarge),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_BYTES)
def test_bytes_that_are_no_security_object_are_a_typed_error(case: str) -> None:
    content, refusal = BAD_BYTES[case]
    with pytest.raises(refusal) as caught:
        authenticate(content, {}, TrustStore(), moment=NOW)

    assert caught.value.field == "sod"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("case", ["cut", "trailing", "another", "large", "empty"])
def test_a_group_that_is_no_group_is_a_typed_error(case: str) -> None:
    content = {
        "cut": dg13()[:-1],
        "trailing": dg13() + b"\x00",
        "another": dg1(),
        "large": tlv(0x6D, bytes(MAX_GROUP_BYTES)),
        "empty": b"",
    }[case]
    with pytest.raises(FormatError) as caught:
        authenticate(SOD, {13: content}, TrustStore(), moment=NOW)

    assert caught.value.field == "dg13"


def test_a_group_longer_than_65535_bytes_is_compared_whole() -> None:
    groups = {1: dg1(), 2: dg2(70_000)}
    recipe = SOUND.but(groups=groups)

    assert judge(recipe).outcome is ChipOutcome.VALID
    changed = {**groups, 2: groups[2][:-1] + bytes((groups[2][-1] ^ 1,))}
    assert authenticate(security_object(recipe), changed, TrustStore(), moment=NOW).group == 2
