"""`python -m payment_svc serve | migrate | check-config | verify-audit`."""

from __future__ import annotations

import sys

from chassis.lifecycle import ServiceMain, main
from payment_svc.config import Settings
from payment_svc.server import assemble

SERVICE = ServiceMain(name="payment", settings_class=Settings, assemble=assemble, package="payment_svc")

if __name__ == "__main__":
    sys.exit(main(SERVICE))
