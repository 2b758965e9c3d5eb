"""The fixtures every test may ask for."""

pytest_plugins = ("tests.support.stores",)
