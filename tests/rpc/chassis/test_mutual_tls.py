"""A server with TLS answers only clients of the same CA, and knows which service calls."""

from __future__ import annotations

import datetime
from pathlib import Path

import grpc
import grpc.aio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from chassis.errors import AppError, Kind
from chassis.rpc.context import acting_as, current_caller
from chassis.rpc.credentials import Tls, tls_of
from chassis.rpc.dial import dial
from chassis.rpc.server import Server
from chassis.telemetry import Telemetry
from tests.support.echo_service import EchoReply, EchoRequest, EchoServicer, EchoStub, bindings_of


class Authority:
    """A CA of the tests."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key.public_key(), None)
        (self.folder / "ca.pem").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, name, public_key, dns: str | None) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=dns is None, path_length=None), critical=True)
        )
        if dns is not None:
            usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(dns)]), critical=False
            ).add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, service: str, *, trusts: Path | None = None) -> Tls:
        """Certificate and key of a service, and the CA file it trusts."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, service)])
        certificate = self._sign(name, key.public_key(), service)
        cert_file, key_file = self.folder / f"{service}.pem", self.folder / f"{service}.key"
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return Tls(cert_file=cert_file, key_file=key_file, ca_file=trusts or self.folder / "ca.pem")


@pytest.fixture
async def guarded(keys, tmp_path):
    """A server with TLS, the CA it trusts, and what its handler saw."""
    authority = Authority(tmp_path, "ours")
    telemetry = Telemetry("echo", enabled=False)
    servicer = EchoServicer()
    seen = []

    async def look(request):
        seen.append(current_caller().service)
        return EchoReply(text="in")

    servicer.on_call = look
    server = Server(
        "echo",
        bindings_of(servicer),
        listen="127.0.0.1:0",
        tls=authority.issue("echo"),
        verifier=keys.verifier(),
        telemetry=telemetry,
        drain_ms=0,
        stop_grace_ms=100,
    )
    port = await server.start()
    yield authority, port, telemetry, seen
    await server.stop()


async def call(port, telemetry, tls, keys, sender="emr"):
    async with dial("echo", f"127.0.0.1:{port}", telemetry=telemetry, sender=sender, tls=tls) as channel:
        with acting_as(keys.caller()):
            return await EchoStub(channel).Echo(EchoRequest(), timeout=2)


async def test_a_client_of_our_ca_gets_in_and_is_known_by_its_certificate(guarded, keys):
    authority, port, telemetry, seen = guarded

    reply = await call(port, telemetry, authority.issue("emr"), keys, sender="payment")

    assert reply.text == "in"
    assert seen == ["emr"]  # what it says of itself counts for nothing


async def test_a_client_without_a_certificate_is_not_served(guarded, keys):
    authority, port, _, seen = guarded
    credentials = grpc.ssl_channel_credentials((authority.folder / "ca.pem").read_bytes())
    options = [("grpc.ssl_target_name_override", "echo")]
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=options) as raw:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await raw.unary_unary("/tests.echo.v1.EchoService/Open")(b"", timeout=2)

    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert seen == []


async def test_a_client_without_tls_is_not_served(guarded, keys):
    _, port, telemetry, seen = guarded
    with pytest.raises(AppError) as caught:
        await call(port, telemetry, None, keys)

    assert caught.value.kind in (Kind.UNAVAILABLE, Kind.DEADLINE)
    assert seen == []


async def test_a_client_of_another_ca_is_not_served(guarded, keys, tmp_path):
    authority, port, telemetry, seen = guarded
    stranger = Authority(tmp_path, "theirs").issue("emr", trusts=authority.folder / "ca.pem")
    with pytest.raises(AppError) as caught:
        await call(port, telemetry, stranger, keys)

    assert caught.value.kind is Kind.UNAVAILABLE
    assert seen == []


async def test_a_server_with_another_services_certificate_is_not_believed(guarded, keys):
    authority, port, telemetry, seen = guarded
    tls = authority.issue("emr")
    async with dial("payment", f"127.0.0.1:{port}", telemetry=telemetry, sender="emr", tls=tls) as channel:
        with acting_as(keys.caller()), pytest.raises(AppError) as caught:
            await EchoStub(channel).Echo(EchoRequest(), timeout=2)

    assert caught.value.kind is Kind.UNAVAILABLE
    assert seen == []


async def test_a_new_certificate_is_taken_up_without_a_restart(guarded, keys, tmp_path):
    """A server whose files are replaced by those of another CA answers clients of that one."""
    authority, port, telemetry, _ = guarded
    await call(port, telemetry, authority.issue("emr"), keys)
    other = Authority(tmp_path, "next")
    fresh = other.issue("echo")
    for old, new in (("echo.pem", fresh.cert_file), ("echo.key", fresh.key_file), ("ca.pem", fresh.ca_file)):
        (authority.folder / old).write_bytes(new.read_bytes())

    assert (await call(port, telemetry, other.issue("emr"), keys)).text == "in"


def test_three_files_make_tls_and_fewer_make_none(tmp_path):
    assert tls_of(tmp_path, None, tmp_path) is None
    assert tls_of(tmp_path, tmp_path, tmp_path) is not None
