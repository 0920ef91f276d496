"""What tests of training share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.archive import Archive
from lamina.train.trainer import Trainer


@pytest.fixture
def check_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A function that holds: a run killed after a step and resumed ends with the weights, state and log of one that never was.

    With ``gently``, it is stopped as by a signal, and keeps its state at the end, not every step.
    """

    def check(step: int, make: Callable[[], lm.Model], data: tuple[Any, Any], *, gently: bool = False, **ways: Any) -> Any:
        def run(name: str, **more: Any) -> tuple[lm.Model, Any]:
            every = lm.Checkpoint() if gently else lm.Checkpoint(every={"steps": 1})
            settings = {"epochs": 3, "batch_size": 10, "validation": data, "progress": False, "checkpoints": every}
            trained = make()
            return trained, trained.fit(*data, **(settings | ways), run_dir=tmp_path / name, **more)

        whole_model, whole = run("whole")
        updated = Trainer.updated

        def kill(trainer: Trainer, *given: Any) -> None:
            updated(trainer, *given)
            if trainer.step == step and not gently:
                raise KeyboardInterrupt
            if trainer.step == step:
                trainer.interrupted = 2
                trainer.request_stop("somebody wants it", final=False)

        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "updated", kill)
            with nullcontext() if gently else pytest.raises(KeyboardInterrupt):
                run("killed")
        again, resumed = run("killed", resume=True)
        assert list(resumed.history) == list(whole.history)
        assert (tmp_path / "killed" / "metrics.jsonl").read_bytes() == (tmp_path / "whole" / "metrics.jsonl").read_bytes()
        for name, array in whole_model.parameters().items():
            np.testing.assert_array_equal(again.parameters()[name], array)
        last = [Archive(max((tmp_path / name / "checkpoints").glob("step-*.lamina"))) for name in ("whole", "killed")]
        assert last[0].json("training.json") == last[1].json("training.json")
        arrays = [archive.arrays("training.safetensors") for archive in last]
        assert arrays[0].keys() == arrays[1].keys()
        for name, array in arrays[0].items():
            np.testing.assert_array_equal(array, arrays[1][name], err_msg=name)
        return whole

    return check
