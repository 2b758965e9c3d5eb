"""A small async client of the control port, for the demo and the tests."""

from __future__ import annotations

import json
from datetime import date
from types import TracebackType
from typing import Self

import aiohttp

from sandbox.person import JsonObject


class ControlRefusedError(RuntimeError):
    """The sandbox refused a control call; the text is its answer."""


class SandboxControl:
    """Sets faults, makes payments and reads what the sandbox saw. Use as an async context manager."""

    def __init__(self, base_url: str = "http://127.0.0.1:7100", *, timeout_s: float = 35.0) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _bytes(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: JsonObject | None = None
    ) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        async with self._session.request(method, self._base_url + path, params=query, json=body) as response:
            answer = await response.read()
            if response.status != 200:
                raise ControlRefusedError(answer.decode("utf-8", "replace")[:500])
            return answer

    async def _json(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: JsonObject | None = None
    ) -> JsonObject:
        document = json.loads(await self._bytes(method, path, query=query, body=body))
        assert isinstance(document, dict), "control answers are objects"
        return document

    async def health(self) -> JsonObject:
        """Status and, per system, its address and whether it listens."""
        return await self._json("GET", "/healthz")

    async def people(self, *classes: str, count: int = 1, offset: int = 0) -> list[JsonObject]:
        """Seeded people who carry all these classes of dirt; see `Person.to_json` for the shape."""
        query = {"class": ",".join(classes), "count": str(count), "offset": str(offset)}
        return list((await self._json("GET", "/people", query=query))["people"])

    async def person(self, *classes: str) -> JsonObject:
        """The first person who carries these classes; always the same one for a seed and year."""
        found = await self.people(*classes)
        if not found:
            raise ControlRefusedError("nobody carries these classes together")
        return found[0]

    async def set_fault(
        self,
        system: str,
        mode: str,
        *,
        delay_ms: int | None = None,
        probability: float | None = None,
        count: int | None = None,
        code: str | None = None,
        path: str | None = None,
    ) -> None:
        """Put a fault in force; mode none lifts those of the system. Returns when it is in force."""
        body = {
            "system": system,
            "mode": mode,
            "delay_ms": delay_ms,
            "probability": probability,
            "count": count,
            "code": code,
            "path": path,
        }
        await self._json("POST", "/control/faults", body=body)

    async def clear(self, system: str | None = None) -> None:
        """Lift the faults of a system, or all."""
        await self._json("DELETE", "/control/faults", query={"system": system} if system else None)

    async def faults(self) -> list[JsonObject]:
        """The faults in force."""
        return list((await self._json("GET", "/control/faults"))["faults"])

    async def calls(self) -> dict[str, dict[str, int]]:
        """Calls received per system, by "METHOD /path"."""
        return dict((await self._json("GET", "/control/calls"))["calls"])

    async def reset_calls(self) -> None:
        """Count from nought."""
        await self._json("DELETE", "/control/calls")

    async def accounts(self) -> list[JsonObject]:
        """The bank's accounts: number, owner, facility_code, bank_bin, opening_vnd."""
        return list((await self._json("GET", "/control/accounts"))["accounts"])

    async def pay(
        self,
        account: str,
        amount_vnd: int,
        content: str,
        *,
        invoice_id: str = "",
        payer_name: str = "",
        payer_account: str = "",
        mangle: tuple[str, ...] = (),
        direction: str = "credit",
        reverses: str = "",
        request_id: str = "",
        booked_time: str = "",
        notify: bool = True,
        wait_s: float = 0,
    ) -> JsonObject:
        """Book a transfer and let the bank tell of it; with wait_s the answer shows how the callback went.

        Returns:
            reference, account, amount_vnd, content, invoice_id, booked_time, booking_date, callback.
        """
        body = {
            "account": account,
            "amount_vnd": amount_vnd,
            "content": content,
            "invoice_id": invoice_id,
            "payer_name": payer_name,
            "payer_account": payer_account,
            "mangle": list(mangle),
            "direction": direction,
            "reverses": reverses,
            "request_id": request_id,
            "booked_time": booked_time,
            "notify": notify,
            "wait_s": wait_s,
        }
        return await self._json("POST", "/control/pay", body=body)

    async def statement(self, account: str, day: date, form: str = "camt053") -> bytes:
        """The statement file of one Vietnamese day: camt053, camt053v2, mt940 or csv."""
        query = {"account": account, "date": day.isoformat(), "format": form}
        return await self._bytes("GET", "/control/statement", query=query)

    async def set_callback(self, url: str, *, secret: str | None = None) -> None:
        """Let the bank call this address from now on; empty calls nobody."""
        await self._json("PUT", "/control/callbacks", body={"url": url, "secret": secret})

    async def callbacks(self) -> list[JsonObject]:
        """Per told transfer: reference, state, answer_code, attempts."""
        return list((await self._json("GET", "/control/callbacks"))["callbacks"])

    async def resend(self, reference: str) -> JsonObject:
        """Tell the hospital once more and wait for its answer."""
        answer = await self._json("POST", "/control/callbacks", body={"reference": reference})
        return dict(answer["callback"])

    async def claims(self, facility_code: str = "") -> JsonObject:
        """What the portal holds: `files`, and `counts` per facility and service (0 check-in, 130 claim, 12)."""
        return await self._json("GET", "/control/claims", query={"facility": facility_code})

    async def forget_claims(self) -> None:
        """Let the portal hold nothing any more."""
        await self._json("DELETE", "/control/claims")

    async def review(
        self, facility_code: str, ma_lk: str, *, approved: str, cause: str = "", reason: str = ""
    ) -> None:
        """Set what the insurer's review approves of a held claim, dong as text with at most two decimals."""
        body = {
            "facility_code": facility_code,
            "ma_lk": ma_lk,
            "approved": approved,
            "cause": cause,
            "reason": reason,
        }
        await self._json("POST", "/control/claims/review", body=body)

    async def set_signers(self, *usernames: str) -> None:
        """Demand a signature in the files of these accounts and of no other."""
        await self._json("PUT", "/control/claims/signers", body={"usernames": list(usernames)})

    async def settlement(self, facility_code: str, period: str, form: str = "json") -> bytes:
        """The settlement file of a month MM/yyyy as json or csv."""
        query = {"facility": facility_code, "period": period, "format": form}
        return await self._bytes("GET", "/control/settlement", query=query)

    async def token(self, client_id: str = "clerk", **claims: object) -> str:
        """An access token of a seeded client.

        Args:
            claims: roles, facility, subject, personal_number, expires_in_s, audience, issuer, forged.
        """
        answer = await self._json("POST", "/control/token", body={"client_id": client_id, **claims})
        return str(answer["access_token"])
