"""All optimisers, schedules and kinds of clipping are there; their contract suites catch a broken one."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

import lamina.learning  # noqa: F401 (fills the registry)
from lamina.learning import ClipValue, Fixed, Sgd
from lamina.spec import registry
from lamina.testing.clipping import check_clip
from lamina.testing.optimizers import check_optimizer
from lamina.testing.schedules import check_schedule


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_all_are_there() -> None:
    assert {"sgd", "nesterov", "adam", "adamw", "adamax", "nadam", "amsgrad", "adabelief", "adagrad", "adadelta", "rmsprop", "lion"} <= set(
        registry.names("optimizer")
    )
    wanted = "fixed exponential inverse map poly sigmoid step cycle ramp warm_up cosine one_cycle linear multi_step noam inverse_sqrt"
    assert set(wanted.split()) <= set(registry.names("schedule"))
    assert {"value", "norm", "renormalize"} <= set(registry.names("clip"))


def test_suites_catch_what_is_broken() -> None:
    from lamina.engine.optimizers import clips, updates
    from lamina.engine.optimizers.momentum import SgdRun

    class Negative(Fixed):
        def at(self, position: float) -> float:
            return -1.0

    Negative.type_name = "fixed"
    with pytest.raises(AssertionError, match="round-trip|negative"):
        check_schedule(Negative(0.1))

    class Forgetful(Sgd):
        pass

    @updates(Forgetful)
    class ForgetfulRun(SgdRun):
        def update(self, group: Any, rate: float) -> None:
            for p, g in zip(group.values, group.gradients, strict=True):
                p.sub_(g * rate / self.updates * 0.1 ** (len(self.state_dict()) and 0))
                p.mul_(1.0 - 1e-3)

    Forgetful.type_name = "sgd"
    with pytest.raises(AssertionError, match=re.escape("broken promise")):
        check_optimizer(Forgetful(0.1))

    class Exploding(ClipValue):
        pass

    @clips(Exploding)
    def _explode(clip: Any, flat: Any) -> Any:
        return lambda: flat.gradient.mul_(2)

    Exploding.type_name = "value"
    with pytest.raises(AssertionError, match="broken promise"):
        check_clip(Exploding(0.1))
