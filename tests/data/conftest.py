"""What tests of tables share: one Spark session for a whole process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A local Spark session; it takes about ten seconds to start."""
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17, which is not on this machine")
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed: pip install 'lamina[spark]'")
    builder = sql.SparkSession.builder.master("local[1]").appName("lamina-tests")
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.sql.session.timeZone": "UTC",
        # Tables of tests are tiny: planning and compiling is what takes time.
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.log.level": "ERROR",
    }
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    yield session
    session.stop()
