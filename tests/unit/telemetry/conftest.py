"""A telemetry whose spans end in a list, and what to do with it."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from chassis.telemetry import SpanRow, Telemetry


class ListSink:
    """Keeps the rows it is given."""

    def __init__(self) -> None:
        self.rows: list[SpanRow] = []

    def write(self, rows: Sequence[SpanRow]) -> int:
        self.rows += rows
        return 0

    def close(self) -> None:
        pass


class Traced:
    """A telemetry and the spans it wrote."""

    def __init__(self, sample: float = 1.0) -> None:
        self.sink = ListSink()
        self.telemetry = Telemetry("identity", sample=sample, sink=self.sink)

    def rows(self) -> list[SpanRow]:
        assert self.telemetry.flush()
        return self.sink.rows

    def row(self, name: str) -> SpanRow:
        (row,) = [row for row in self.rows() if row.name == name]
        return row


@pytest.fixture
def traced() -> Iterator[Traced]:
    made = Traced()
    yield made
    made.telemetry.close()


@pytest.fixture
def traced_with_sample() -> Iterator[Callable[[float], Traced]]:
    made: list[Traced] = []

    def make(sample: float) -> Traced:
        made.append(Traced(sample))
        return made[-1]

    yield make
    for each in made:
        each.telemetry.close()
