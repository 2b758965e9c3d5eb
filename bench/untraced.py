"""`python -m bench.untraced PACKAGE serve`: a service whose telemetry is off, to measure what tracing costs.

No setting turns tracing off as a whole: `..._TRACE_SAMPLE=0` still makes spans to pass the trace on. So the switch of
`Telemetry` is thrown here, before the service starts.
"""

from __future__ import annotations

import importlib
import sys
from functools import partial

from chassis import lifecycle
from chassis.telemetry import Telemetry


def main() -> int:
    """Run one service without telemetry."""
    # By name: no part of lifecycle's interface, and nobody else's business.
    setattr(lifecycle, "Telemetry", partial(Telemetry, enabled=False))  # noqa: B010
    package, *arguments = sys.argv[1:]
    return lifecycle.main(importlib.import_module(f"{package}.__main__").SERVICE, arguments)


if __name__ == "__main__":
    sys.exit(main())
