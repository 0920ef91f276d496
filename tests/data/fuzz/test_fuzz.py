"""Whatever files, steps, settings and records come, from the description to the batches and the answers: Lamina's errors, or none.

``python tests/data/fuzz/run.py --cases 10000`` looks longer, and past what it finds.
"""

from __future__ import annotations

import os

import pytest
from fuzzing.cases import KINDS, Found, one
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

CASES = int(os.environ.get("LAMINA_FUZZ", "8"))


@pytest.mark.parametrize("kind", KINDS)
@settings(
    phases=(Phase.generate, Phase.shrink),
    max_examples=CASES,
    derandomize="LAMINA_FUZZ" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_nothing_but_errors_of_ours(kind: str, data: st.DataObject) -> None:
    one(kind, data.draw, Found())


def test_every_reader_of_files_is_tried() -> None:
    """A reader that comes later must be tried too."""
    import lamina.data.sources  # noqa: F401 (announces them)
    from lamina.spec import registry

    bundled = {
        "breast_cancer",
        "diabetes",
        "digits",
        "iris",
        "wine",
        "blood_cells",
        "synthetic_control",
        "cifar10",
        "fashion_mnist",
        "mnist",
    }
    elsewhere = {"joint", "characters", "tiny_shakespeare", "video_folder"}
    assert {*registry.names("source")} - bundled - elsewhere == {*KINDS}
