"""What the tests of formats share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from lamina.errors import DataError


@pytest.fixture
def refused() -> Callable[[str], contextlib.AbstractContextManager[None]]:
    """A context in which a `DataError` must come, with this code, and with these words in its message."""

    @contextlib.contextmanager
    def context(code: str, *words: str) -> Iterator[None]:
        with pytest.raises(DataError) as caught:
            yield
        problem = caught.value.problems[0]
        assert problem.code == code, str(caught.value)
        for word in words:
            assert word in str(problem), f"{word!r} is not in: {problem}"
        # All five parts are there.
        assert all((problem.where, problem.expected, problem.got, problem.cause, problem.fix))

    return context  # type: ignore[return-value]


@pytest.fixture
def damages() -> Callable[[bytes], Iterator[bytes]]:
    """Files that were cut off, overwritten in places, or turned around, of a whole one; the same each time."""
    import random

    def ways(whole: bytes, count: int = 60) -> Iterator[bytes]:
        rng = random.Random(len(whole))
        for share in (0, 0.1, 0.5, 0.9, 0.999):
            yield whole[: int(share * len(whole))]
        for _ in range(count):
            changed = bytearray(whole)
            for _ in range(rng.randint(1, 6)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            yield bytes(changed)

    return ways
