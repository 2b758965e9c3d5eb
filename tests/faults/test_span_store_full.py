"""A span store on a full disk costs spans, and never a call."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from chassis.telemetry import Telemetry
from chassis.telemetry.store import SpanReader


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits of POSIX")
def test_full_disk_costs_spans_and_never_a_call(tmp_path: Path) -> None:
    # given a process whose files may not grow above 256 KiB
    program = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from chassis.telemetry import Telemetry
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        telemetry = Telemetry("identity", Path(sys.argv[1]))
        with telemetry.span("before", trace_id=1):
            pass
        assert telemetry.flush()
        resource.setrlimit(resource.RLIMIT_FSIZE, (256 << 10, 256 << 10))
        for _ in range(20):
            for _ in range(500):
                with telemetry.span("call", kind="server", rpc_method="VerifyCard"):
                    pass
            assert telemetry.flush()
        counts = telemetry.counts
        assert counts.written == 10_001, counts
        assert counts.dropped >= 5_000, counts
        telemetry.close()
        """
    )
    # when
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
    )
    # then
    assert (done.returncode, done.stderr) == (0, "")
    reader = SpanReader(tmp_path)
    assert [row.name for row in reader.trace(f"{1:032x}")] == ["before"]
    assert reader.unreadable == ()


def test_directory_that_cannot_be_made_costs_spans_and_never_a_call(tmp_path: Path) -> None:
    (tmp_path / "spans").write_text("a file where the directory should be")
    telemetry = Telemetry("identity", tmp_path / "spans")
    with telemetry.span("call"):
        pass
    assert telemetry.flush()
    assert telemetry.counts.dropped == 1
    telemetry.close()


def test_store_that_failed_is_used_again_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.telemetry.span_store.RETRY_AFTER_S", 0.0)
    (tmp_path / "spans").write_text("a file where the directory should be")
    telemetry = Telemetry("identity", tmp_path / "spans")
    with telemetry.span("lost"):
        pass
    assert telemetry.flush()
    (tmp_path / "spans").unlink()
    with telemetry.span("kept") as span:
        pass
    assert telemetry.flush()
    telemetry.close()
    assert [row.name for row in SpanReader(tmp_path / "spans").trace(span.trace_id)] == ["kept"]
    assert telemetry.counts.dropped == 1
