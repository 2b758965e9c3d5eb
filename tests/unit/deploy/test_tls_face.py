"""The TLS face passes bytes on, and lets nobody in without TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.make_certs import ensure_authority, ensure_leaf
from deploy.tls_face import TlsFace, server_context

BODY = bytes(range(256)) * 4_096
"""A mebibyte, many times what one read takes."""


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    now = datetime.now(UTC)
    authority = ensure_authority(tmp_path / "ca", now=now)
    ensure_leaf(authority, tmp_path / "edge", "edge", now=now, also=("localhost",))
    return tmp_path / "edge"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what came, and end when told so."""
    while chunk := await reader.read(65_536):
        writer.write(chunk)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def face_before_echo(keys: Path) -> AsyncIterator[int]:
    """The port of a face before a program that echoes."""
    inner = await asyncio.start_server(echo, "127.0.0.1", 0)
    inner_port = inner.sockets[0].getsockname()[1]
    face = TlsFace(host="127.0.0.1", port=inner_port, context=server_context(keys))
    outer = await face.listen("127.0.0.1", 0)
    try:
        yield outer.sockets[0].getsockname()[1]
    finally:
        outer.close()
        inner.close()


def trusting(keys: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(keys / "ca.pem"))


async def test_bytes_arrive_as_they_were_sent_both_ways(keys: Path) -> None:
    async with face_before_echo(keys) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=trusting(keys), server_hostname="localhost"
        )

        sending = asyncio.create_task(_send(writer))
        received = await reader.readexactly(len(BODY))
        await sending
        writer.close()

    assert received == BODY


async def _send(writer: asyncio.StreamWriter) -> None:
    writer.write(BODY)
    await writer.drain()


async def test_a_name_that_is_not_on_the_certificate_is_not_trusted(keys: Path) -> None:
    async with face_before_echo(keys) as port:
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("127.0.0.1", port, ssl=trusting(keys), server_hostname="bank")


async def test_plain_bytes_reach_nobody(keys: Path) -> None:
    async with face_before_echo(keys) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\n\r\n")
        try:
            answer = await reader.read()
        except ConnectionResetError:
            answer = b""
        writer.close()

    assert b"GET" not in answer


async def test_a_program_that_is_down_ends_the_connection(keys: Path) -> None:
    nobody = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = nobody.sockets[0].getsockname()[1]
    nobody.close()
    await nobody.wait_closed()
    outer = await TlsFace(host="127.0.0.1", port=port, context=server_context(keys)).listen("127.0.0.1", 0)
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", outer.sockets[0].getsockname()[1], ssl=trusting(keys), server_hostname="edge"
        )
        answer = await reader.read()
        writer.close()
    outer.close()

    assert answer == b""
