"""Plays one patient through a composed suite from the inside: admitted, discharged, paid; traced and measured.

Run by docs/compose-check.sh in the container `edge`, which reaches everything: `python -m deploy.first_check_in`.
Uses the standard library alone, as a stranger's program would. Exits 1 and says what is wrong.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any

GATEWAY = "https://edge:7443"
ISSUER = "https://sandbox-tls:7104"
SANDBOX = "http://sandbox:7100"
JAEGER = "http://jaeger:16686"
PROMETHEUS = "http://prometheus:9090"
SERVICES = {"identity", "emr", "insurance", "payment", "gateway"}
CALL_TIMEOUT_S = 15
PATIENCE_S = 60
TRIES_EVERY_S = 1
ACCOUNT = "1019999000001"
"""Of facility 19999, where the sandbox's clerk works, at the sandbox's bank."""
LINE = {
    "line_id": "1",
    "service_code": "XN-CTM",
    "display_name": "Tổng phân tích tế bào máu",
    "quantity": "1",
    "unit_price_vnd": 480_000,
    "covered_unit_price_vnd": 430_000,
}

Json = dict[str, Any]  # Any: JSON of programs whose shapes are checked by reading them


class NotAsExpected(Exception):
    """What the suite did was not what the check wanted."""


def call(url: str, *, body: Json | None = None, token: str = "", form: str = "") -> Json:
    """One HTTP call; raises NotAsExpected with the status and the reason of a refusal."""
    headers = {"Content-Type": "application/x-www-form-urlencoded" if form else "application/json"}
    if token:
        headers["Authorization"] = token
    content = form.encode() if form else json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=content, headers=headers)  # noqa: S310 - the addresses above
    try:
        with urllib.request.urlopen(request, timeout=CALL_TIMEOUT_S) as answer:  # noqa: S310 - as above
            document: Json = json.load(answer)
            return document
    except urllib.error.HTTPError as error:
        raise NotAsExpected(
            f"{url.partition('?')[0]}: HTTP {error.code} {error.read(400).decode()}"
        ) from error


def expect(condition: bool, claim: str) -> None:
    """Say a claim that holds; raise one that does not."""
    if not condition:
        raise NotAsExpected(f"not so: {claim}")
    print(f"ok  {claim}", flush=True)


def until(found: Any, claim: str) -> None:  # Any: a function that answers truthy when it is so
    """Wait for a claim to become true."""
    deadline = time.monotonic() + PATIENCE_S
    seen = False
    while not seen and time.monotonic() < deadline:
        try:
            seen = bool(found())
        except (NotAsExpected, OSError):
            seen = False
        if not seen:
            time.sleep(TRIES_EVERY_S)
    expect(seen, claim)


def sign_in(client_id: str) -> str:
    """The Authorization header of one of the sandbox's known clients."""
    basic = base64.b64encode(f"{client_id}:sandbox-{client_id}-secret".encode()).decode()
    answer = call(f"{ISSUER}/token", form="grant_type=client_credentials", token=f"Basic {basic}")
    return f"Bearer {answer['access_token']}"


def play() -> None:
    """The patient's way, then what the operator sees of it."""
    person = call(f"{SANDBOX}/people?class=clean&count=1")["people"][0]
    clerk = sign_in("clerk")
    admission = {"request_id": str(uuid.uuid4()), "card_qr": person["qr_text"]}
    view = call(f"{GATEWAY}/v1/visits:checkIn", body=admission, token=clerk)["view"]
    states = {leg["leg"]: leg["state"] for leg in view["legs"]}
    expect(set(states.values()) == {"LEG_STATE_DONE"}, f"checked in, every leg done: {sorted(states)}")
    again = call(f"{GATEWAY}/v1/visits:checkIn", body=admission, token=clerk)["view"]
    expect(
        again["visit"]["ticket"] == view["visit"]["ticket"], "the same request again gives the same ticket"
    )

    visit = view["name"]
    ending = {"request_id": str(uuid.uuid4()), "lines": [LINE]}
    bill = call(f"{GATEWAY}/v1/{visit}:discharge", body=ending, token=sign_in("cashier"))["view"]["bill"]
    due_vnd = int(bill["patient_vnd"])
    expect(due_vnd > 0 and bool(bill["intents"]), "discharged with a bill and a VietQR")
    transfer = {"account": ACCOUNT, "amount_vnd": due_vnd, "content": bill["intents"][-1]["reference_code"]}
    call(f"{SANDBOX}/control/pay", body=transfer)
    until(
        lambda: call(f"{GATEWAY}/v1/{visit}", token=clerk)["view"]["bill"]["state"] == "BILL_STATE_PAID",
        "the bank's notification marks the bill as paid",
    )

    trace_id = visit.removeprefix("visits/")
    until(lambda: traced(trace_id) == SERVICES, "Jaeger holds one trace over all five services")
    until(lambda: scraped() == SERVICES, "Prometheus reads the metrics of all five services")


def traced(trace_id: str) -> set[str]:
    """The services in a trace that Jaeger holds."""
    found = call(f"{JAEGER}/api/traces/{trace_id}")["data"]
    return {process["serviceName"] for trace in found for process in trace["processes"].values()}


def scraped() -> set[str]:
    """The services that Prometheus finds up."""
    query = urllib.parse.urlencode({"query": "up == 1"})
    found = call(f"{PROMETHEUS}/api/v1/query?{query}")["data"]["result"]
    return {sample["metric"]["instance"].partition(":")[0] for sample in found}


def main() -> int:
    """Play; the exit code."""
    try:
        play()
    except (NotAsExpected, OSError, KeyError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    assert os.environ.get("SSL_CERT_FILE"), "the suite's authority is trusted through SSL_CERT_FILE"
    sys.exit(main())
