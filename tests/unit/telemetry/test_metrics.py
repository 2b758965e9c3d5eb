"""Metrics: what Prometheus is told, and that a label cannot grow without bound or name a person."""

import asyncio
import urllib.request

import pytest

from chassis.telemetry import Telemetry
from chassis.telemetry.metrics import LABEL_VALUES_MAX, Metrics
from tests.support.canary import scan


def told(metrics: Metrics) -> str:
    server = metrics.serve("127.0.0.1:0")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as answer:
            text: str = answer.read().decode()
            return text
    finally:
        server.close()


def test_calls_are_counted_and_timed_by_code() -> None:
    metrics = Metrics("identity")
    for _ in range(2):
        metrics.rpc_started("/lienthong.identity.v1.IdentityService/VerifyCard")
    metrics.rpc_handled("/lienthong.identity.v1.IdentityService/VerifyCard", "OK", 0.004)
    text = told(metrics)
    assert 'rpc_started_total{method="/lienthong.identity.v1.IdentityService/VerifyCard"} 2.0' in text
    assert 'rpc_handled_seconds_bucket{code="OK",le="0.005",method="/lienthong' in text
    assert 'service_info{service="identity"} 1.0' in text


def test_breaker_and_outbox_are_shown() -> None:
    metrics = Metrics("emr")
    metrics.breaker_state("population", "HALF_OPEN")
    metrics.outbox("coordination_hub", depth=3, oldest_age_s=12.5, parked=1)
    text = told(metrics)
    assert 'breaker_state{breaker="population"} 1.0' in text
    assert 'outbox_depth{destination="coordination_hub"} 3.0' in text
    assert 'outbox_oldest_age_seconds{destination="coordination_hub"} 12.5' in text
    assert 'outbox_parked{destination="coordination_hub"} 1.0' in text


def test_state_of_a_breaker_that_does_not_exist_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="ajar"):
        Metrics("emr").breaker_state("population", "ajar")


def test_dropped_spans_are_shown() -> None:
    class Full:
        def write(self, rows: object) -> int:
            return 1

        def close(self) -> None:
            pass

    telemetry = Telemetry("identity", sink=Full())
    with telemetry.span("call", citizen="x"):
        pass
    assert telemetry.flush()
    metrics = Metrics("identity")
    metrics.watch(lambda: telemetry.counts)
    text = told(metrics)
    assert "spans_dropped_total 1.0" in text
    assert "span_keys_dropped_total 1.0" in text
    telemetry.close()


def test_label_names_no_person_and_has_an_end() -> None:
    metrics = Metrics("identity")
    planted = ["099204012345", "Nguyễn Thị Đào", "Nguyen Thi Dao"]
    for value in planted:
        metrics.rpc_started(value)
        metrics.rpc_handled(value, value, 0.1)
        metrics.outbox(value, depth=1, oldest_age_s=0)
    for number in range(LABEL_VALUES_MAX + 50):
        metrics.rpc_started(f"/unknown/Method{number}")
    text = told(metrics)
    assert scan(text, planted) == []
    assert sum(line.startswith("rpc_started_total{") for line in text.splitlines()) == LABEL_VALUES_MAX + 1
    assert f'rpc_started_total{{method="other"}} {50 + len(planted)}.0' in text


async def test_lag_of_a_blocked_loop_is_seen() -> None:
    import time

    metrics = Metrics("identity")
    sampler = asyncio.create_task(metrics.sample_loop_lag(0.01))
    await asyncio.sleep(0.05)
    time.sleep(0.15)  # noqa: ASYNC251  (the fault under test)
    await asyncio.sleep(0.05)
    sampler.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sampler
    assert (metrics.registry.get_sample_value("event_loop_lag_seconds_sum") or 0.0) > 0.1


def test_two_services_of_one_process_do_not_mix() -> None:
    one, other = Metrics("identity"), Metrics("emr")
    one.rpc_started("/a/B")
    assert "/a/B" not in told(other)


def test_port_is_given_back() -> None:
    metrics = Metrics("identity")
    first = metrics.serve("127.0.0.1:0")
    port = first.port
    with pytest.raises(OSError, match="in use"):
        metrics.serve(f"127.0.0.1:{port}")
    first.close()
    metrics.serve(f"localhost:{port}").close()
