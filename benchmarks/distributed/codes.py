"""How long it takes to make and read short messages of a large gradient, on one core.

Run with ``OMP_NUM_THREADS=1 python benchmarks/distributed/codes.py [--size 25000000] [--rounds 7]``. Prints medians and minima in
milliseconds beside an in-place addition, which is what the memory allows.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from lamina.distribute.exchange.codes import decode_bits, decode_threshold, encode_bits, encode_threshold


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=25_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    gradient = np.random.default_rng(0).standard_normal(options.size, dtype=np.float32)
    kept, total = np.zeros_like(gradient), np.zeros_like(gradient)
    times: dict[str, list[float]] = {}

    def note(name: str, work: Callable[[], object]) -> None:
        times.setdefault(name, []).append(timed(work))

    for _ in range(options.rounds):
        note("add in place", lambda: np.add(kept, gradient, out=kept))
        np.copyto(kept, gradient)
        found: list[np.ndarray] = []
        # 0.2 % of normal numbers are beyond 3.09.
        note("threshold: encode", lambda out=found: out.append(encode_threshold(kept, 3.09)[0]))
        note("threshold: decode", lambda out=found: decode_threshold(out[0], total))
        np.copyto(kept, gradient)
        note("one bit: encode", lambda out=found: out.append(encode_bits(kept, 8192)))
        note("one bit: decode", lambda out=found: decode_bits(out[1], total, 8192))
    print(f"{options.size} values of float32, {options.rounds} rounds")
    for name, measured in times.items():
        print(f"{name:20} median {statistics.median(measured):7.1f} ms   minimum {min(measured):7.1f} ms")


if __name__ == "__main__":
    main()
