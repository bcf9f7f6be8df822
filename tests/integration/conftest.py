"""Where a test's office keeps its rows: the same test on both databases."""

from __future__ import annotations

import pytest

from tests.integration.stage import emptied


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    """The URL of an empty PostgreSQL; None for an SQLite file of the office's own."""
    if request.param == "sqlite":
        return None
    url = request.getfixturevalue("postgres_url")
    emptied(url)
    return url
