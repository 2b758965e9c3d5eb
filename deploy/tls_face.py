"""Ends TLS in front of a program that speaks plain HTTP on the same private network, and passes bytes on.

Run `python -m deploy.tls_face --keys FOLDER PORT=HOST:PORT...`. In compose it stands before the sandbox, since
the services refuse plain HTTP off their own machine, and before the gateway's HTTP front. It adds no header and
checks nothing: an installation puts its own reverse proxy there.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import ssl
from pathlib import Path

CHUNK_BYTES = 64 * 1024
CONNECTIONS_MAX = 500
CONNECT_TIMEOUT_S = 5.0
HANDSHAKE_TIMEOUT_S = 5.0
IDLE_TIMEOUT_S = 660.0
"""A little more than WatchVisit, the longest call, may last."""


class TlsFace:
    """One TLS port and the plain address behind it."""

    def __init__(self, *, host: str, port: int, context: ssl.SSLContext) -> None:
        self._host = host
        self._port = port
        self._context = context
        self._open_count = 0

    async def listen(self, address: str, port: int) -> asyncio.Server:
        """Begin to listen; raises OSError when the port is taken."""
        return await asyncio.start_server(
            self._serve, address, port, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._open_count >= CONNECTIONS_MAX:
            writer.close()
            return
        self._open_count += 1
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                inner_reader, inner_writer = await asyncio.open_connection(self._host, self._port)
            try:
                await self._both_ways(reader, writer, inner_reader, inner_writer)
            finally:
                inner_writer.close()
        except (OSError, TimeoutError):
            # One side went away or never answered: the other is told by the closed connection.
            return
        finally:
            self._open_count -= 1
            writer.close()

    async def _both_ways(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        inner_reader: asyncio.StreamReader,
        inner_writer: asyncio.StreamWriter,
    ) -> None:
        """Pass bytes on until either side ends; TLS streams have no half-closed state in asyncio."""
        ways = [
            asyncio.create_task(_pass_on(reader, inner_writer)),
            asyncio.create_task(_pass_on(inner_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        async with asyncio.timeout(IDLE_TIMEOUT_S):
            chunk = await reader.read(CHUNK_BYTES)
        if not chunk:
            return
        writer.write(chunk)
        await writer.drain()


def server_context(keys: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer with the certificate of a key folder."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(keys / "cert.pem", keys / "key.pem")
    return context


def _face(text: str) -> tuple[int, str, int]:
    port, _, target = text.partition("=")
    host, _, inner_port = target.rpartition(":")
    if not (port.isdecimal() and host and inner_port.isdecimal()):
        raise argparse.ArgumentTypeError("give PORT=HOST:PORT")
    return int(port), host, int(inner_port)


async def _run(keys: Path, faces: list[tuple[int, str, int]]) -> None:
    context = server_context(keys)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with contextlib.AsyncExitStack() as ends:
        for port, host, inner_port in faces:
            server = await TlsFace(host=host, port=inner_port, context=context).listen("0.0.0.0", port)  # noqa: S104
            ends.callback(server.close)
            print(f"tls {port} -> {host}:{inner_port}")
        await stopping.wait()


def main() -> None:
    """Serve the given faces until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m deploy.tls_face", description=__doc__)
    parser.add_argument("--keys", type=Path, required=True, help="folder with cert.pem and key.pem")
    parser.add_argument("faces", nargs="+", type=_face, metavar="PORT=HOST:PORT")
    arguments = parser.parse_args()
    asyncio.run(_run(arguments.keys, arguments.faces))


if __name__ == "__main__":
    main()
