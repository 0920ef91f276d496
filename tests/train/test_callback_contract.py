"""Every registered callback keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

import lamina.train.callbacks  # noqa: F401 (fills the registry)
from lamina.spec.registry import registry
from lamina.testing.callbacks import check_callback
from lamina.train.callbacks import Callback, callbacks_for

EXAMPLES = [(name, example) for name, component in registry.components("callback") for example in component.examples()]


@pytest.mark.parametrize(("name", "callback"), EXAMPLES, ids=[f"{n}-{i}" for i, (n, _) in enumerate(EXAMPLES)])
def test_contract(name: str, callback: Callback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_callback(callback.replace(path=None) if getattr(callback, "path", None) else callback, tmp_path)


def test_nothing_speaks_where_progress_is_off() -> None:
    assert not any(callback.speaks for callback in callbacks_for([], progress=False, kept=True))
    assert any(callback.speaks for callback in callbacks_for([], progress=True))
