"""Sums of floats are the same however many threads add them up, and in every run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import lamina

SCRIPT = """
import hashlib
import numpy as np
import polars as pl
from lamina.data.pipeline import Pipeline

rng = np.random.default_rng(0)
rows = pl.DataFrame({"x": rng.lognormal(3, 2, 500_000), "k": rng.choice(["a", "b", "c"], 500_000), "y": rng.normal(size=500_000)})
pipeline = Pipeline.from_yaml('''
input: {columns: {x: float, k: string, y: float}}
steps:
  - {type: filter, where: "x > 1"}
  - {type: fill_missing, columns: [x, y], value: mean}
  - {type: target_encode, columns: k, target: y}
  - {type: derive, columns: {e: k, g: "where(x > 20, 1, 0)"}}
  - {type: window, columns: {share: "x / sum(x)", far: "(x - mean(x)) / std(x)"}, keys: g, order: x}
  - {type: group_by, keys: g, aggregates: {total: "sum(x)", mean: "mean(far)", spread: "variance(y)",
      code: "mean(e)", product: "product(share)"}}
''')
for _ in range(3):
    fitted, frame = pipeline.fit_apply(rows.lazy())
    print(hashlib.md5(repr(frame.collect().rows()).encode() + fitted.to_yaml().encode()).hexdigest())
"""


def test_threads_and_runs_make_no_difference() -> None:
    source = str(Path(lamina.__file__).parents[1])
    found: set[str] = set()
    for threads in ("1", "3"):
        environment = {**os.environ, "POLARS_MAX_THREADS": threads, "PYTHONPATH": source}
        done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        found |= {*done.stdout.split()}
    assert len(found) == 1
