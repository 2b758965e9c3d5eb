#!/usr/bin/env bash
# Builds the image, brings the composed suite up, plays one patient through it, and takes it down again.
# Needs a container engine: Docker with its compose plugin or docker-compose, or Podman with podman compose.
# Exit code 0: all held. 77: no engine here, nothing was tried. Others: what failed stands above.
# KEEP=1 leaves the suite running.
set -euo pipefail
cd "$(dirname "$0")/.."

if docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
elif docker info >/dev/null 2>&1 && command -v docker-compose >/dev/null 2>&1; then
    compose=(docker-compose)
elif command -v podman >/dev/null 2>&1 && podman compose version >/dev/null 2>&1; then
    compose=(podman compose)
else
    echo "no container engine answers here; install Docker or Podman with compose" >&2
    exit 77
fi
# A project of its own: its volumes are thrown away, and never those of a suite that is in use.
compose+=(--project-name "lienthong-check" --file compose.yaml)
if [ -n "${COMPOSE_OVERRIDE:-}" ]; then
    compose+=(--file "$COMPOSE_OVERRIDE")
fi

finish() {
    code=$?
    if [ "$code" -ne 0 ]; then
        "${compose[@]}" ps || true
        "${compose[@]}" logs --tail=40 || true
    fi
    if [ "${KEEP:-0}" != 1 ]; then
        "${compose[@]}" down --volumes --timeout 20 || true
    fi
    exit "$code"
}
trap finish EXIT

echo "• building the image"
"${compose[@]}" build keys
echo "• starting (the first start makes keys, databases and schemas)"
"${compose[@]}" up --detach
echo "• waiting for the door to open"
deadline=$((SECONDS + 180))
until "${compose[@]}" exec -T edge python -c \
    "import urllib.request; urllib.request.urlopen('https://edge:7443/healthz', timeout=4)" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$deadline" ]; then
        echo "the gateway did not answer within 180 s" >&2
        exit 1
    fi
    sleep 2
done
echo "• one patient"
"${compose[@]}" exec -T edge python -m deploy.first_check_in
echo "• once more after every service was started anew"
"${compose[@]}" restart identity emr insurance payment gateway >/dev/null
sleep 5
"${compose[@]}" exec -T edge python -m deploy.first_check_in
echo "• all held"
