"""Rows of a csv file to batches on the way to a network: Lamina against what one writes by hand with pandas, and with Polars.

1 million rows of 20 mixed columns, made in the same way each time, become shuffled batches of 256 as float32 tensors with their labels:
read, six steps (a filter, filled gaps, derived numbers, words in small letters, buckets, columns left out), numbers standardised,
categories as one-hot columns. All contenders give the same rows, which is checked. They take turns, each round in a fresh process, whose
start and imports don't count (each contender has gone through a small file before); a round is all from the path of the file to the end
of one epoch of batches. Ratios are of medians; memory is the peak of the process without what its imports take.

Contenders: *pandas* is the script that most people write (``read_csv``, ``get_dummies``, ``TensorDataset``, ``DataLoader``); *polars* is a
lazy query, one matrix, and batches cut from it by a permutation; *lamina* is a recipe's ``data`` section. Both scripts lay their matrix
out by rows, without which they are slower.

``--stream GB`` measures the streaming mode instead: a file of that size goes through the same steps to Parquet, within 1 GB; then a recipe
with ``cache: disk`` takes it for one epoch.

Run with ``python benchmarks/data/tables.py [--rounds 5] [--rows 1000000] [--markdown]``; ``--stream 5`` needs 20 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BATCH, SEED, CHUNK = 256, 7, 250_000
CATEGORIES = {"city": 50, "job": 12, "plan": 4, "colour": 7, "device": 5, "member": 2}
NUMBERS = ["age", "children", "visits", "score", "hour", "income", "debt", "rate", "balance", "height", "weight", "temperature"]
DERIVED = ["log_income", "load", "month"]
EDGES = [25, 35, 50, 65]

RECIPE = """
source: {{type: csv, path: {path}, target: bought}}
transform:
  - {{type: filter, where: "age >= 18"}}
  - {{type: fill_missing, columns: [income, rate], value: mean}}
  - {{type: derive, columns: {{log_income: "log1p(income)", load: "debt / (income + 1)", month: "month(parse_time(day, '%Y-%m-%d'))"}}}}
  - {{type: derive, columns: {{city: "lower(city)"}}}}
  - {{type: bucketize, columns: [age], edges: [25, 35, 50, 65]}}
  - {{type: drop, columns: [day]}}
normalize: {{type: by_name, of: {{{numbers}}}}}
batch_size: 256
"""


def make(path: Path, rows: int) -> None:
    """Write the file, always the same for a number of rows; piece by piece, so that it may be larger than memory."""
    import numpy as np
    import polars as pl

    words = {name: np.array([f"{name.title()} {i}" for i in range(count)]) for name, count in CATEGORIES.items() if name != "member"}
    with path.open("wb") as file:
        for start in range(0, rows, CHUNK):
            rng = np.random.default_rng((SEED, start))
            n = min(CHUNK, rows - start)
            income, rate = rng.lognormal(10, 0.6, n).round(2), rng.uniform(0, 9, n).round(3)
            gaps = [rng.random(n) < 0.05 for _ in range(2)]
            columns: dict[str, Any] = {
                "age": rng.integers(12, 90, n),
                "children": rng.integers(0, 5, n),
                "visits": rng.poisson(30, n),
                "score": rng.integers(300, 850, n),
                "hour": rng.integers(0, 24, n),
                "income": pl.Series(income).set(pl.Series(gaps[0]), None),
                "debt": rng.exponential(5000, n).round(2),
                "rate": pl.Series(rate).set(pl.Series(gaps[1]), None),
                "balance": rng.normal(2000, 3000, n).round(2),
                "height": rng.normal(172, 9, n).round(1),
                "weight": rng.normal(75, 14, n).round(1),
                "temperature": rng.normal(36.8, 0.4, n).round(2),
                **{name: own[rng.integers(0, len(own), n)] for name, own in words.items()},
                "member": rng.random(n) < 0.4,
                "day": np.datetime64("2020-01-01") + rng.integers(0, 1500, n),
                "bought": rng.integers(0, 2, n),
            }
            pl.DataFrame(columns).write_csv(file, include_header=start == 0)


def by_pandas(path: Path) -> tuple[int, float]:
    """The usual script; rows and the sum of all features of an epoch."""
    import numpy as np
    import pandas as pd
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    frame = pd.read_csv(path, parse_dates=["day"])
    frame = frame[frame["age"] >= 18].copy()
    for name in ("income", "rate"):
        frame[name] = frame[name].fillna(frame[name].mean())
    frame["log_income"] = np.log1p(frame["income"])
    frame["load"] = frame["debt"] / (frame["income"] + 1)
    frame["month"] = frame["day"].dt.month
    frame["city"] = frame["city"].str.lower()
    frame["age"] = np.digitize(frame["age"], EDGES)
    y = torch.from_numpy(frame.pop("bought").to_numpy(copy=True))
    frame = frame.drop(columns=["day"])
    numbers = [*NUMBERS, *DERIVED]
    frame[numbers] = (frame[numbers] - frame[numbers].mean()) / frame[numbers].std(ddof=0)
    x = torch.from_numpy(pd.get_dummies(frame, columns=list(CATEGORIES), dtype="float32").to_numpy(dtype="float32")).contiguous()
    torch.manual_seed(SEED)
    rows, total = 0, 0.0
    for inputs, labels in DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True):
        rows, total = rows + len(labels), total + float(inputs.sum())
    return rows, total


def by_polars(path: Path) -> tuple[int, float]:
    """A hand-written lazy query, and batches cut from one matrix."""
    import polars as pl
    import torch

    numbers = [*NUMBERS, *DERIVED]
    frame = (
        pl.scan_csv(path, try_parse_dates=True)
        .filter(pl.col("age") >= 18)
        .with_columns(pl.col("income", "rate").fill_null(pl.col("income", "rate").mean()))
        .with_columns(
            pl.col("income").log1p().alias("log_income"),
            (pl.col("debt") / (pl.col("income") + 1)).alias("load"),
            pl.col("day").dt.month().alias("month"),
            pl.col("city").str.to_lowercase(),
            pl.sum_horizontal((pl.col("age") >= edge).cast(pl.Int64) for edge in EDGES).alias("age"),
        )
        .drop("day")
        .with_columns(((pl.col(numbers) - pl.col(numbers).mean()) / pl.col(numbers).std(ddof=0)).cast(pl.Float32))
        .collect(engine="streaming")
    )
    y = frame["bought"].to_torch()
    x = frame.drop("bought").to_dummies(list(CATEGORIES)).to_torch(dtype=pl.Float32).contiguous()
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(SEED))
    rows, total = 0, 0.0
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        inputs, labels = x[places], y[places]
        rows, total = rows + len(labels), total + float(inputs.sum())
    return rows, total


def by_lamina(path: Path, more: str = "") -> tuple[int, float]:
    """The ``data`` section of a recipe."""
    from lamina.data.config import DataConfig, prepare
    from lamina.data.loader import Loader

    numbers = ", ".join(f"{name}: {{type: standardize}}" for name in [*NUMBERS, *DERIVED])
    config = DataConfig.from_yaml(RECIPE.format(path=path, numbers=numbers) + more)
    prepared = prepare(config, seed=SEED)
    rows, total = 0, 0.0
    for batch in Loader(prepared.train, config.batch_size, seed=SEED):
        (inputs,), (labels,) = batch.inputs.values(), batch.targets.values()
        rows, total = rows + len(labels), total + float(inputs.sum())
    return rows, total


def from_disk(path: Path) -> tuple[int, float]:
    """The same section for a table larger than memory."""
    return by_lamina(path, f"cache: {{type: disk, path: {path.parent / 'spilled'}}}")


def streamed(path: Path) -> tuple[int, float]:
    """The same steps from file to file."""
    import polars as pl

    from lamina.data.config import DataConfig
    from lamina.data.pipeline.pipeline import Pipeline
    from lamina.data.tables.writing import write_table

    numbers = ", ".join(f"{name}: {{type: standardize}}" for name in [*NUMBERS, *DERIVED])
    config = DataConfig.from_yaml(RECIPE.format(path=path, numbers=numbers))
    source: Any = config.source
    rows, schema = source.rows(lazily=True)
    target = path.with_suffix(".parquet")
    _, made = Pipeline(input=schema, steps=config.transform).fit_apply(rows, seed=SEED)
    write_table(made.lazy, target)
    found = pl.scan_parquet(target).select(pl.len(), pl.col("log_income").sum()).collect(engine="streaming").row(0)
    target.unlink()
    return found


CONTENDERS = {"pandas": by_pandas, "polars": by_polars, "lamina": by_lamina, "stream": streamed, "disk": from_disk}


def memory() -> float:
    """Peak of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one(contender: str, path: Path) -> dict[str, Any]:
    """A round, in this process; imports and the first use of the libraries are done before the clock starts."""
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.csv"
        make(small, 2_000)
        CONTENDERS[contender](small)
    before, start = memory(), time.perf_counter()
    rows, total = CONTENDERS[contender](path)
    return {"seconds": time.perf_counter() - start, "peak": memory() - before, "whole": memory(), "rows": rows, "total": total}


def measured(contender: str, path: Path) -> dict[str, Any]:
    """A round in a fresh process."""
    words = [sys.executable, __file__, "--one", contender, "--path", str(path)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(os.cpu_count() or 1)}
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def sizes(path: Path) -> tuple[float, float]:
    """MiB of the file, and of its rows in memory as Polars has them."""
    import polars as pl

    return path.stat().st_size / 2**20, pl.read_csv(path, try_parse_dates=True).estimated_size() / 2**20


def compare(path: Path, rounds: int, contenders: list[str], *, markdown: bool) -> None:
    """All contenders in turn."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in contenders:
            found[name].append(measured(name, path))
            print(f"round {number + 1}, {name}: {found[name][-1]['seconds']:.2f} s", file=sys.stderr)
    reference = found[contenders[0]][0]
    for name, own in found.items():
        for result in own:
            assert result["rows"] == reference["rows"], f"{name} gives {result['rows']} rows, not {reference['rows']}"
            assert abs(result["total"] - reference["total"]) < 1e-3 * reference["rows"], f"{name} gives other features"
    file, held = sizes(path)
    medians = {name: statistics.median(result["seconds"] for result in own) for name, own in found.items()}
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    print(f"\n{machine}; {reference['rows']:,} rows after the filter; {file:.0f} MiB of text, {held:.0f} MiB in memory")
    mark = "|" if markdown else " "
    heads = ("contender", "median", "fastest", "slowest", "of lamina", "peak", "of rows")
    print(mark, f" {mark} ".join(f"{head:>10}" for head in heads), mark)
    if markdown:
        print("|---" * len(heads) + "|")
    for name, own in found.items():
        seconds = [result["seconds"] for result in own]
        peak = statistics.median(result["peak"] for result in own)
        ratio = medians[name] / medians["lamina"] if "lamina" in medians else float("nan")
        times = [f"{second:.2f} s" for second in (medians[name], min(seconds), max(seconds))]
        cells = [name, *times, f"{ratio:.2f}x", f"{peak:.0f} MiB", f"{peak / held:.2f}x"]
        print(mark, f" {mark} ".join(f"{cell:>10}" for cell in cells), mark)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--contenders", default="pandas,polars,lamina")
    parser.add_argument("--stream", type=float, help="GB of the file for the streaming mode")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--one", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help="a file that is there already (it is made if not)")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one, given.path)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = given.path or Path(folder) / "rows.csv"
        # 1 million rows are about 119 MB.
        rows = given.rows if given.stream is None else int(given.stream * 1e9 / 119)
        if not path.exists():
            make(path, rows)
        if given.stream is None:
            compare(path, given.rounds, given.contenders.split(","), markdown=given.markdown)
            return
        print(f"{path.stat().st_size / 1e9:.2f} GB of text")
        for name, called in (("stream", "file to file"), ("disk", "a recipe with cache: disk, and an epoch of batches")):
            result = measured(name, path)
            print(f"{called}: {result['rows']:,} rows, {result['seconds']:.1f} s, peak {result['whole']:.0f} MiB of the process")


if __name__ == "__main__":
    main()
