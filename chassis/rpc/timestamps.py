"""Moments as the wire writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_timestamp(moment: datetime) -> Timestamp:
    """The message of an aware moment, exact to the microsecond.

    `Timestamp.FromDatetime` goes through calendar arithmetic and takes four times as long, twelve times a check-in.
    """
    since = moment - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)
