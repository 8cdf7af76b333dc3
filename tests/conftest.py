"""Shared set-up: the store of solved flows is the test session's own."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_store(tmp_path_factory):
    """Tests must solve with the code as it is, and leave the user's cache alone; subprocesses inherit this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHIPSIM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
