"""`python -m insurance_svc serve | migrate | check-config | verify-audit`."""

from __future__ import annotations

import sys

from chassis.lifecycle import ServiceMain, main
from insurance_svc.config import Settings
from insurance_svc.server import assemble

SERVICE = ServiceMain(name="insurance", settings_class=Settings, assemble=assemble, package="insurance_svc")

if __name__ == "__main__":
    sys.exit(main(SERVICE))
