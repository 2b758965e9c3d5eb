"""The echo service on both transports: every test that takes `network` or `stub` runs twice."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.echo_network import Keys, Network
from tests.support.echo_service import EchoStub


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(params=["grpc", "local"])
async def network(request: pytest.FixtureRequest, keys: Keys) -> AsyncIterator[Network]:
    network = Network(request.param, keys)
    yield network
    await network.stop()
    network.telemetry.close()


@pytest.fixture
async def stub(network: Network) -> EchoStub:
    return await network.start()
