"""What tests of several folders share."""

import pytest


@pytest.fixture(scope="module")
def browser():
    """A browser for the tests of one file; an event loop of its own runs in this thread meanwhile."""
    import chromium

    if chromium.lacking():
        pytest.skip(f"NO BROWSER: {chromium.lacking()}")
    with chromium.started() as started:
        yield started
