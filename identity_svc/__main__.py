"""`python -m identity_svc serve | migrate | check-config | verify-audit`."""

from __future__ import annotations

import sys

from chassis.lifecycle import ServiceMain, main
from identity_svc.config import Settings
from identity_svc.server import assemble

SERVICE = ServiceMain(name="identity", settings_class=Settings, assemble=assemble, package="identity_svc")

if __name__ == "__main__":
    sys.exit(main(SERVICE))
