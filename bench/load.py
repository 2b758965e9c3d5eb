"""The load generator: N clients in a closed loop against one CheckIn, in a process of its own.

Reads its orders as one line of JSON from stdin and writes what it saw as one line of JSON to stdout. Raw grpc.aio
stubs, so that the client costs the same whatever is behind the port.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import Any

import grpc.aio

from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.gateway.v1.gateway_pb2_grpc import GatewayServiceStub

TIMEOUT_S = 5.0
REASON_TEXT = "Đau đầu, sốt nhẹ hai ngày"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What one measurement does."""

    target: str
    """host:port of a gateway."""
    tokens: tuple[str, ...]
    """Bearer tokens, one clerk after the other; none for the no-op topology."""
    cards: tuple[str, ...]
    """QR strings, one patient after the other."""
    first_card: int = 0
    """Where among the cards to begin, so that rounds do not meet the same patients."""
    clients: int
    warm_up_s: float
    seconds: float
    """Measured time; with 0, each card is checked in exactly once instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one measurement saw."""

    check_ins: int
    seconds: float
    p50_ms: float
    p99_ms: float
    response_bytes: int
    """Median size of an answer."""
    calls: int
    """Check-ins with those of the warm-up."""
    client_cpu_ms: float
    """Processor milliseconds of this process for each of `calls`."""
    faults: dict[str, int] = field(default_factory=dict)
    """How many calls failed or had a leg that was not done, by reason; any makes the measurement invalid."""

    @property
    def per_s(self) -> float:
        """Check-ins a second."""
        return self.check_ins / self.seconds


class Clients:
    """N clients, each with one call under way."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        first = orders.first_card % len(orders.cards)
        self._cards: Iterator[str] = cycle(orders.cards[first:] + orders.cards[:first])
        self._tokens = cycle(orders.tokens or ("",))
        self._latencies: list[tuple[float, float]] = []
        self._sizes: list[int] = []
        self.faults: Counter[str] = Counter()

    async def run(self) -> Seen:
        """Warm up, measure, and tell."""
        orders = self._orders
        async with grpc.aio.insecure_channel(orders.target) as channel:
            check_in: Any = GatewayServiceStub(channel).CheckIn
            used_s = time.process_time()
            begin_s = time.perf_counter() + orders.warm_up_s
            end_s = begin_s + orders.seconds
            if orders.seconds:
                loops = [self._until(check_in, end_s) for _ in range(orders.clients)]
            else:
                cards = iter(orders.cards)
                loops = [self._each(check_in, cards) for _ in range(orders.clients)]
            await asyncio.gather(*loops)
        used_s = time.process_time() - used_s
        measured_s = orders.seconds or time.perf_counter() - begin_s
        # A call counts where it ended, as in a closed loop every end is a beginning.
        times = sorted(took for end, took in self._latencies if not orders.seconds or begin_s <= end <= end_s)
        return Seen(
            check_ins=len(times),
            seconds=measured_s,
            p50_ms=_percentile(times, 0.50) * 1000,
            p99_ms=_percentile(times, 0.99) * 1000,
            response_bytes=int(statistics.median(self._sizes)) if self._sizes else 0,
            calls=len(self._latencies),
            client_cpu_ms=used_s * 1000 / max(1, len(self._latencies)),
            faults=dict(self.faults),
        )

    async def _until(self, check_in: Any, end_s: float) -> None:
        token = next(self._tokens)
        while time.perf_counter() < end_s:
            await self._one(check_in, next(self._cards), token)

    async def _each(self, check_in: Any, cards: Iterator[str]) -> None:
        token = next(self._tokens)
        for card in cards:
            await self._one(check_in, card, token)

    async def _one(self, check_in: Any, card: str, token: str) -> None:
        request = pb.CheckInRequest(request_id=str(uuid.uuid4()), card_qr=card, reason_text=REASON_TEXT)
        metadata = (("authorization", f"Bearer {token}"),) if token else None
        started_s = time.perf_counter()
        try:
            answer = await check_in(request, timeout=TIMEOUT_S, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            self.faults[f"{error.code().name} {error.details()}"[:200]] += 1
            # A refusing server must not turn the closed loop into a spin.
            await asyncio.sleep(0.05)
            return
        ended_s = time.perf_counter()
        self._latencies.append((ended_s, ended_s - started_s))
        if len(self._sizes) < 200:
            self._sizes.append(answer.ByteSize())
        for leg in answer.view.legs:
            if leg.state != pb.LEG_STATE_DONE:
                self.faults[f"leg {leg.leg}: {leg.reason}"] += 1


def _percentile(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))] if times else 0.0


def main() -> None:
    """One measurement."""
    text: dict[str, Any] = json.loads(sys.stdin.readline())
    orders = Orders(**{**text, "tokens": tuple(text["tokens"]), "cards": tuple(text["cards"])})
    sys.stdout.write(json.dumps(asdict(asyncio.run(Clients(orders).run()))) + "\n")


if __name__ == "__main__":
    main()
