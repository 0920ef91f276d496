"""Real texts."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def messages(shared_data: Path) -> list[str]:
    """2,000 short messages."""
    raw = gzip.decompress((shared_data / "sms-spam" / "SMSSpamCollection.gz").read_bytes()).decode()
    return [line.split("\t", 1)[1] for line in raw.splitlines()[:2000]]
