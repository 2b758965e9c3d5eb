"""`python -m emr_svc serve | migrate | check-config | verify-audit`."""

from __future__ import annotations

import sys

from chassis.lifecycle import ServiceMain, main
from emr_svc.config import Settings
from emr_svc.server import assemble

SERVICE = ServiceMain(name="emr", settings_class=Settings, assemble=assemble, package="emr_svc")

if __name__ == "__main__":
    sys.exit(main(SERVICE))
