"""Prepares the key folders of a composed suite: certificates, field keys, token keys; keeps what is there.

Run `python -m deploy.make_keys ROOT` in a container that alone sees every folder below ROOT. Each service then
mounts its own folder, read-only, and sees no other's. Safe to run at every start: nothing that opens stored
data is ever replaced, and certificates are renewed before they end.
"""

from __future__ import annotations

import argparse
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from chassis.crypto import generate_key_file
from chassis.rpc.tokens import generate_token_keys
from deploy.make_certs import ensure_authority, ensure_leaf

WITH_DATABASE = ("identity", "emr", "insurance", "payment")
SUITE_USER = 10001
"""The user of the image, as in the Containerfile."""
POSTGRES_USER = 999
"""The user of the official PostgreSQL image on Debian."""
OWNERS = {
    **dict.fromkeys((*WITH_DATABASE, "gateway", "sandbox-tls", "edge"), SUITE_USER),
    "postgres": POSTGRES_USER,
}
"""Who may read each folder."""
ALSO = {"edge": ("localhost", "127.0.0.1")}
"""Names beside its own that a service is reached by."""


def make_keys(root: Path, *, now: datetime) -> list[str]:
    """Prepare every folder below `root`; what was made, for the log."""
    made = []
    authority = ensure_authority(root / "ca", now=now)
    for name in OWNERS:
        if ensure_leaf(authority, root / name, name, now=now, also=ALSO.get(name, ())):
            made.append(f"{name}/cert.pem")
    for name in WITH_DATABASE:
        if not (root / name / "fields.json").exists():
            generate_key_file(root / name / "fields.json")
            made.append(f"{name}/fields.json")
    public = root / "gateway" / "tokens-public.json"
    if not public.exists():
        generate_token_keys(root / "gateway" / "tokens-gateway.json", public)
        made.append("gateway/tokens-gateway.json")
    for name in WITH_DATABASE:
        (root / name / "tokens-public.json").write_bytes(public.read_bytes())
    superuser = root / "postgres" / "superuser.secret"
    if not superuser.exists():
        superuser.touch(mode=0o600)
        superuser.write_text(secrets.token_urlsafe(32))
        made.append("postgres/superuser.secret")
    return made


def hand_over(root: Path) -> None:
    """Give each folder to the user of its service; needs root, and does nothing without."""
    if os.geteuid() != 0:
        return
    for name, owner in OWNERS.items():
        folder = root / name
        for path in (folder, *folder.iterdir()):
            os.chown(path, owner, owner)
        folder.chmod(0o500)


def main() -> None:
    """Prepare the folders from the command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.make_keys", description=__doc__)
    parser.add_argument("root", type=Path)
    root: Path = parser.parse_args().root
    made = make_keys(root, now=datetime.now(UTC))
    hand_over(root)
    print("made " + ", ".join(made) if made else "everything is there")


if __name__ == "__main__":
    main()
