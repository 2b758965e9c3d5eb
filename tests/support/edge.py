"""A whole suite in this process with both fronts, tokens of anybody, and a count of all that is stored."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

from chassis.db.sqlite_module import choose_sqlite
from chassis.telemetry.records import SpanRow
from chassis.telemetry.store import SpanReader
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from station.demo.desk import Desk
from station.layout import SERVICES, Layout
from station.onebox import OneBox
from tests.support.fronts import Front, Fronts, fronts_of
from tests.support.suites import local_suite

SPANS_WITHIN_S = 10.0
GENTLE = {
    # Re-checks stay out of the way: a test that counts rows or calls wants to be the only one at work.
    "IDENTITY_REGISTER_RECHECK_WAIT_S": "600",
    "INSURANCE_PORTAL_RECHECK_WAIT_S": "600",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A running suite as its clients see it, and what a test may look at behind it."""

    desk: Desk
    box: OneBox
    place: Layout
    fronts: Fronts
    tokens: dict[str, str] = field(default_factory=dict)

    def front(self, name: str) -> Front:
        """ "grpc" or "http"."""
        return self.fronts.named(name)

    async def token(self, client_id: str = "clerk") -> str:
        """The token of a seeded client, asked for once."""
        if client_id not in self.tokens:
            self.tokens[client_id] = await self.desk.sandbox.token(client_id)
        return self.tokens[client_id]

    async def check_in(
        self, front: str = "grpc", *, client_id: str = "clerk", **changes: object
    ) -> pb.VisitView:
        """Admit a seeded citizen of clean data."""
        answer = await self.front(front).call(
            "CheckIn", await self.admission(**changes), token=await self.token(client_id)
        )
        view: pb.VisitView = answer.view
        return view

    async def admission(self, **changes: object) -> pb.CheckInRequest:
        """A good admission with some fields changed."""
        values = {
            "request_id": str(uuid.uuid4()),
            "card_qr": changes.get("card_qr") or await self.desk.card_of("clean"),
            "kind": emr.VISIT_KIND_OUTPATIENT,
            "reason_text": "đau bụng",
        }
        return pb.CheckInRequest(**(values | changes))  # type: ignore[arg-type]  # the test names real fields

    def row_counts(self) -> dict[str, int]:
        """Rows of every table of every service; equal before and after means that nothing was stored."""
        # The module the services use: a second SQLite library in one process would drop the first one's locks.
        sqlite = choose_sqlite()
        counts: dict[str, int] = {}
        for service in SERVICES:
            path = Path(self.place.databases[service].removeprefix("sqlite:///"))
            with closing(sqlite.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
                for (name,) in names:
                    query = f'SELECT count(*) FROM "{name}"'  # noqa: S608 - the schema's own names
                    counts[f"{service}.{name}"] = connection.execute(query).fetchone()[0]
        return counts

    async def spans(self, trace_id: str, *, until: Callable[[list[SpanRow]], bool]) -> list[SpanRow]:
        """The spans of a trace once the wanted ones are written."""
        reader = SpanReader(self.place.span_dir)
        async with asyncio.timeout(SPANS_WITHIN_S):
            # The threads that write them tell nobody.
            while not until(rows := await asyncio.to_thread(reader.trace, trace_id)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return rows


@asynccontextmanager
async def open_edge(folder: Path, *, more: dict[str, str] | None = None) -> AsyncIterator[Edge]:
    """Start a suite in this process and both of its fronts."""
    async with (
        local_suite(folder, more=GENTLE | (more or {})) as (desk, box, place),
        fronts_of(box, place) as fronts,
    ):
        yield Edge(desk=desk, box=box, place=place, fronts=fronts)
