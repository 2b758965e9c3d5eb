"""Counters of the quality figures: rows to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from chassis.db import Tx
from chassis.db.columns import to_text, to_time
from identity_svc.domain.quality_figures import Days, Record, Slot, Source, Standing, Tally, province_of

_START: dict[Source, tuple[str | int, ...]] = {
    Source.CITIZENS: ("", ""),
    Source.CHECKS: ("", "", ""),
    Source.CASE_STEPS: ("", "", "", 0),
    Source.REPAIRS: ("", "", ""),
    Source.MERGES: ("", "", ""),
    Source.UNMERGES: ("", "", ""),
}
_LAST = "~"
"""Behind every code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far the figures have counted."""

    is_clearing: bool = False
    """Old counters are being removed before a new count."""
    cleared_count: int = 0
    """Pages removed so far, so that each removal moves the position, too."""
    keys: Mapping[str, Sequence[str | int]] = field(default_factory=dict)
    """Key of the last record counted, by source."""
    counted_time: str = ""
    """Everything before this moment is counted; empty before the first whole pass."""

    def to_text(self) -> str:
        """As it stands in its column."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which communes a figure is about; both empty for all."""

    ward_code: str = ""
    province_code: str = ""

    def bounds(self) -> dict[str, str]:
        """The ranges of codes as the statements take them."""
        province = province_of(self.ward_code) or self.province_code
        return {
            "province_first": province,
            "province_last": province or _LAST,
            "ward_first": self.ward_code,
            "ward_last": self.ward_code or _LAST,
        }


Sums = dict[str, dict[str, int]]
"""By commune or day, then by measure."""


class FiguresStore:
    """Reads what is counted and writes the counters; holds nothing."""

    async def position(self, tx: Tx) -> Position:
        """How far the figures have counted."""
        row = await tx.one("quality_read_position")
        return Position() if row is None else Position(**json.loads(row["position"]))

    async def move(self, tx: Tx, *, former: Position, position: Position) -> bool:
        """Move on; False when another worker moved first, and then nothing may be counted."""
        await tx.execute("quality_start_position", position=Position().to_text())
        changed = await tx.execute(
            "quality_move_position", position=position.to_text(), former=former.to_text()
        )
        return changed == 1

    async def records(
        self, tx: Tx, source: Source, position: Position, *, before_time: datetime, page_size: int
    ) -> list[Record]:
        """The next records of a source that are older than `before_time`."""
        key = position.keys.get(source, _START[source])
        rows = await tx.all(
            f"quality_page_{source.lower()}",
            **{f"key_{index}": part for index, part in enumerate(key)},
            before_time=to_text(before_time),
            page_size=page_size,
        )
        return [
            Record(
                key=(row["event_time"], row["citizen_id"], row["key_2"], row["key_3"])[: len(key)],
                citizen_id=row["citizen_id"],
                event_time=to_time(row["event_time"]),
                ward_code=row["ward_code"],
                word=row["word"],
            )
            for row in rows
        ]

    async def standings(self, tx: Tx, citizen_ids: Iterable[str]) -> dict[str, Standing]:
        """As what these people are counted."""
        found: dict[str, Standing] = {}
        for citizen_id in citizen_ids:
            row = await tx.one("quality_read_standing", citizen_id=citizen_id)
            if row is not None:
                found[citizen_id] = Standing(
                    ward_code=row["ward_code"], outcome=row["outcome"], is_merged=bool(row["is_merged"])
                )
        return found

    async def apply(self, tx: Tx, tally: Tally) -> None:
        """Write what a page counted."""
        await tx.execute_many(
            "quality_set_standing",
            [
                {
                    "citizen_id": citizen_id,
                    "ward_code": each.ward_code,
                    "outcome": each.outcome,
                    "is_merged": int(each.is_merged),
                }
                for citizen_id, each in tally.standings.items()
            ],
        )
        await tx.execute_many(
            "quality_count",
            [_columns(slot) | {"total_count": count} for slot, count in tally.counts.items() if count],
        )

    async def clear(self, tx: Tx, *, page_size: int) -> bool:
        """Remove counters and a page of standings; whether nothing is left."""
        await tx.execute("quality_clear_daily")
        return await tx.execute("quality_clear_standings", page_size=page_size) < page_size

    async def sums(self, tx: Tx, place: Place, days: Days) -> tuple[Sums, Sums, Sums]:
        """Sums before the days by commune, inside them by commune, and inside them by day."""
        bounds = place.bounds()
        inside = {"from_date": days.from_date.isoformat(), "to_date": days.to_date.isoformat()}
        before = await tx.all("quality_sum_before", **bounds, from_date=inside["from_date"])
        by_ward = await tx.all("quality_sum_by_ward", **bounds, **inside)
        by_day = await tx.all("quality_sum_by_day", **bounds, **inside)
        return _sums(before, "ward_code"), _sums(by_ward, "ward_code"), _sums(by_day, "day_date")

    async def counters(
        self, tx: Tx, *, place: Place, days: Days, after: Slot | None, page_size: int
    ) -> list[tuple[Slot, int]]:
        """A page of counters in the order of their key."""
        key = ("", "", "", "") if after is None else tuple(_columns(after).values())
        rows = await tx.all(
            "quality_page_counters",
            **place.bounds(),
            from_date=days.from_date.isoformat(),
            to_date=days.to_date.isoformat(),
            **{f"key_{index}": part for index, part in enumerate(key)},
            page_size=page_size,
        )
        return [
            (
                Slot(
                    province_code=row["province_code"],
                    ward_code=row["ward_code"],
                    day_date=row["day_date"],
                    measure=row["measure"],
                ),
                row["total_count"],
            )
            for row in rows
        ]


def _columns(slot: Slot) -> dict[str, object]:
    """The key columns in their order."""
    return {
        "province_code": slot.province_code,
        "ward_code": slot.ward_code,
        "day_date": slot.day_date,
        "measure": slot.measure,
    }


def _sums(rows: Sequence[Mapping[str, object]], key: str) -> Sums:
    found: Sums = {}
    for row in rows:
        count = row["total_count"]
        assert isinstance(count, int)
        found.setdefault(str(row[key]), {})[str(row["measure"])] = count
    return found
