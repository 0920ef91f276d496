"""The cases of ONNX's own backend tests: each imported, run, and compared with the outputs that come with it."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.errors import LaminaError

onnx = pytest.importorskip("onnx")
EXCEPT = json.loads((Path(__file__).parent / "except.json").read_text())
"""Cases that don't pass, by the reason; exact: one that newly passes must go from here."""
WIDE = {"bfloat16": 1e-2, "float8": 1e-2, "float16": 2e-3}
"""Relative differences allowed where the case rounds to few digits and Lamina computes in more."""


def cases(kind: str) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests

        return load_model_tests(kind=kind)


def value(proto: Any) -> Any:
    """What NumPy has for a message."""
    from onnx import numpy_helper

    for kind, convert in ((onnx.TensorProto, "to_array"), (onnx.SequenceProto, "to_list"), (onnx.OptionalProto, "to_optional")):
        if isinstance(proto, kind):
            return getattr(numpy_helper, convert)(proto)
    return proto


def read(path: Path, kind: str | None) -> Any:
    proto = {"sequence_type": onnx.SequenceProto, "optional_type": onnx.OptionalProto}.get(str(kind), onnx.TensorProto)()
    proto.ParseFromString(path.read_bytes())
    return value(proto)


def sets(case: Any, model: Any) -> Iterator[tuple[list[Any], list[Any]]]:
    """Inputs and outputs."""
    if case.data_sets is not None:
        for given, wanted in case.data_sets:
            yield [value(one) for one in given], [value(one) for one in wanted]
        return
    known = {one.name for one in model.graph.initializer}
    infos = [one for one in model.graph.input if one.name not in known]
    for folder in sorted(Path(case.model_dir).glob("test_data_set*")):
        yield (
            [read(folder / f"input_{number}.pb", one.type.WhichOneof("value")) for number, one in enumerate(infos)],
            [read(folder / f"output_{number}.pb", one.type.WhichOneof("value")) for number, one in enumerate(model.graph.output)],
        )


def check(found: Any, wanted: Any, rtol: float, atol: float) -> None:
    if isinstance(wanted, list):
        assert isinstance(found, list)
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            check(one, other, rtol, atol)
        return
    if wanted is None:
        assert found is None
        return
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    if wanted.dtype.kind in "OUS":
        assert (found.astype(str) == wanted.astype(str)).all()
        return
    for word, wide in WIDE.items():
        rtol = max(rtol, wide) if wanted.dtype.name.startswith(word) else rtol
    if wanted.dtype.kind not in "biufc":
        wanted = wanted.astype(np.float32)
    kind = np.complex128 if wanted.dtype.kind == "c" else np.float64
    np.testing.assert_allclose(found.astype(kind), wanted.astype(kind), rtol=rtol, atol=atol)


def run(case: Any, path: Path) -> None:
    if case.model is None:
        path = Path(case.model_dir) / "model.onnx"
        proto = onnx.load(path)
    else:
        proto = case.model
        path.write_bytes(proto.SerializeToString())
    model = lm.interop.load(path)
    known = {one.name for one in proto.graph.initializer}
    names = [one.name for one in proto.graph.input if one.name not in known]
    for given, wanted in sets(case, proto):
        found = model.outputs(dict(zip(names, given, strict=True)))
        for one, output in zip(proto.graph.output, wanted, strict=True):
            check(found[one.name], output, case.rtol, max(case.atol, 1e-6))


@pytest.mark.parametrize("kind", ["node", "simple", "pytorch-converted", "pytorch-operator"])
def test_the_cases_of_onnx_itself(kind: str, tmp_path: Path) -> None:
    listed = {name for names in EXCEPT[kind].values() for name in names}
    failed, total = set(), 0
    for case in cases(kind):
        total += 1
        with warnings.catch_warnings(), contextlib.suppress(LaminaError, AssertionError):
            warnings.simplefilter("ignore")
            run(case, tmp_path / "case.onnx")
            continue
        failed.add(case.name)
    assert sorted(failed - listed) == [], "cases that don't pass"
    assert sorted(listed - failed) == [], "cases that pass, and must go from except.json"
    assert len(failed) <= max(2, 0.05 * total)
