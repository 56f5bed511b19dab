"""What tests share."""

import os
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder of recorded market data; its absence skips, in CI it fails."""
    if not DATA.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"recorded market data is missing in CI: {DATA}")
        pytest.skip(f"no recorded market data at {DATA}")
    return DATA
