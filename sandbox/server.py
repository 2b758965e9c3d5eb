"""Wiring: builds every system from the settings and runs them in one process."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sandbox.bank.app import Bank, BankSettings
from sandbox.bank.book import BankBook
from sandbox.bank.callback import CallbackSender, CallbackSettings
from sandbox.config import SandboxSettings
from sandbox.control_api import ControlApi
from sandbox.faults import FaultBoard
from sandbox.listener import Listener
from sandbox.oidc.app import OidcProvider
from sandbox.oidc.clients import load_secrets
from sandbox.oidc.issuer import Issuer, load_key
from sandbox.population import Population, build_population
from sandbox.portal.app import USERNAMES, Portal
from sandbox.portal.control import ClaimControl
from sandbox.portal.tokens import TokenDesk
from sandbox.registry import Registry

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


class Sandbox:
    """All systems of one process."""

    def __init__(self, settings: SandboxSettings, *, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._clock = clock
        year = settings.year or clock().astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).year
        self.population = build_population(settings.seed, year=year, count=settings.people_count)
        self.board = FaultBoard(settings.seed)
        for fault in settings.faults:
            self.board.set(fault)
        self.bank = self._build_bank()
        self.oidc = self._build_oidc(self.population)
        self.portal = self._build_portal()
        apps = {
            "registry": self._build_registry().create_app,
            "portal": self.portal.create_app,
            "bank": self.bank.create_app,
            "oidc": self.oidc.create_app,
        }
        self.listeners = {
            system: Listener(apps[system], host=settings.host, port=settings.ports[system])
            for system in settings.only
        }
        control = ControlApi(
            self.population, self.board, self.bank, self.oidc, self.listeners, obey_faults=self.obey_faults
        )
        control.add(ClaimControl(self.portal.desk, usernames=USERNAMES).routes())
        self.control = Listener(control.create_app, host=settings.host, port=settings.control_port)

    def _build_registry(self) -> Registry:
        keys = {self._settings.registry_client_id: self._settings.registry_key}
        return Registry(self.population, self.board, client_keys=keys, clock=self._clock)

    def _build_portal(self) -> Portal:
        tokens = TokenDesk(
            usernames=USERNAMES,
            password=self._settings.portal_password,
            token_life_s=self._settings.portal_token_life_s,
        )
        portal = Portal(self.population, self.board, tokens, clock=self._clock)
        portal.desk.book.signers = frozenset(self._settings.portal_signers)
        return portal

    def _build_bank(self) -> Bank:
        settings, state_dir = self._settings, self._settings.state_dir
        if state_dir is not None:
            state_dir.mkdir(parents=True, exist_ok=True)
        book = BankBook(
            path=state_dir / "bank.jsonl" if state_dir is not None else None,
            first_serial=0 if state_dir is not None else secrets.randbelow(10**9),
        )
        callbacks = CallbackSettings(
            url=settings.bank_callback_url,
            secret=settings.bank_secret,
            attempt_count=settings.bank_attempt_count,
            retry_base_ms=settings.bank_retry_base_ms,
        )
        return Bank(
            book,
            self.board,
            CallbackSender(book, self.board, callbacks),
            BankSettings(secret=settings.bank_secret, statement_key=settings.bank_statement_key),
            clock=self._clock,
        )

    def _build_oidc(self, population: Population) -> OidcProvider:
        settings, state_dir = self._settings, self._settings.state_dir
        key_path = state_dir / "oidc-key.pem" if state_dir is not None else None
        secrets_path = state_dir / "oidc-clients.json" if state_dir is not None else None
        issuer = Issuer(
            issuer=settings.oidc_issuer,
            key=load_key(key_path),
            client_secrets=load_secrets(None if settings.is_dev else secrets_path),
            clock=self._clock,
        )
        return OidcProvider(issuer, population, self.board, redirect_uris=settings.oidc_redirect_uris)

    async def start(self) -> None:
        """Listen on every port of a system that is not down, then take up unsent callbacks.

        Raises:
            OSError: a port is taken; nothing listens then.
        """
        try:
            await self.control.start()
            await self.obey_faults()
        except BaseException:
            await self.stop()
            raise
        if "bank" in self.listeners:
            self.bank.tell_the_untold()

    async def obey_faults(self) -> None:
        """Stop or start listening as the faults in force demand."""
        for system, listener in self.listeners.items():
            if self.board.is_down(system):
                await listener.stop()
            else:
                await listener.start()
        if "oidc" in self.listeners and not self.oidc.issuer.issuer:
            self.oidc.issuer.issuer = self.listeners["oidc"].url

    async def stop(self) -> None:
        """Stop everything; hung calls are cut."""
        await self.bank.sender.close()
        async with asyncio.TaskGroup() as group:
            for listener in (self.control, *self.listeners.values()):
                group.create_task(listener.stop())


async def serve(settings: SandboxSettings, *, say: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT; `say` gets one line per address when all listen."""
    sandbox = Sandbox(settings)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await sandbox.start()
    try:
        for system, listener in (("control", sandbox.control), *sandbox.listeners.items()):
            say(f"{system} {listener.url}{'' if listener.is_listening else ' (down)'}")
        await stopping.wait()
    finally:
        await sandbox.stop()
