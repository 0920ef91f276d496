"""What tests of tables share: one Spark session for a whole process."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
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


@pytest.fixture
def example_tables() -> Callable[[Path], None]:
    """Writes the binary tables that examples of sources name into a folder."""

    def write(folder: Path) -> None:
        import h5py
        import numpy as np
        import polars as pl

        from lamina.data.formats.excel import write_excel
        from lamina.data.formats.matlab import write_matlab

        flowers = pl.DataFrame({"size": [1.0, 2.5, 3.0], "colour": ["red", "blue", "red"], "species": ["rose", "iris", "iris"]})
        flowers.write_parquet(folder / "flowers.parquet")
        flowers.write_ipc(folder / "flowers.arrow")
        write_excel(flowers, folder / "flowers.xlsx")
        for year in (2023, 2024):
            (folder / "years" / f"year={year}").mkdir(parents=True)
            pl.DataFrame({"month": [1, 2], "sales": [year / 100, 30.5]}).write_parquet(folder / "years" / f"year={year}" / "part.parquet")
        with contextlib.closing(sqlite3.connect(folder / "flowers.db")) as database:
            database.execute("create table flowers (id integer primary key, size real, colour text, species text)")
            database.executemany("insert into flowers (size, colour, species) values (?, ?, ?)", flowers.rows())
            database.commit()
        measured = {"x": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), "kind": np.array(["a", "b", "a"])}
        np.savez(folder / "measured.npz", **measured)
        write_matlab(measured, folder / "measured.mat")
        with h5py.File(folder / "measured.h5", "w") as file:
            file["x"], file["kind"] = measured["x"], measured["kind"].tolist()
        pixels = np.arange(5 * 16, dtype=np.uint8).reshape(5, 4, 4)
        np.savez(folder / "digits.npz", x=pixels, y=[[1], [2], [10], [1], [2]], x_test=pixels[:2], y_test=[[2], [2]])
        (folder / "words.svm").write_text("1 qid:1 0:2 5:1\n-1 qid:1 1:1.5 # seldom\n1 qid:2 0:1 3:2\n")

    return write
