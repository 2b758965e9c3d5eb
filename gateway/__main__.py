"""`python -m gateway serve | migrate | check-config | verify-audit`."""

from __future__ import annotations

import sys

from chassis.lifecycle import ServiceMain, main
from gateway.config import Settings
from gateway.server import assemble

SERVICE = ServiceMain(name="gateway", settings_class=Settings, assemble=assemble, package="gateway")

if __name__ == "__main__":
    sys.exit(main(SERVICE))
