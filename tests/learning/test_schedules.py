"""Schedules against torch's schedulers, Deeplearning4j's formulas, and by hand; units; binding."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from lamina.errors import LaminaError
from lamina.learning import (
    Adam,
    Cosine,
    Cycle,
    Exponential,
    Inverse,
    InverseSqrt,
    Linear,
    MapSchedule,
    MultiStep,
    Nesterov,
    Noam,
    OneCycle,
    Poly,
    Ramp,
    Schedule,
    SequenceSchedule,
    Sigmoid,
    Step,
    Triangular,
    WarmUp,
)

L = torch.optim.lr_scheduler
STEPS = 60


def torchs(make: Any, rate: float) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], rate)
    scheduler, values = make(optimizer), []
    for _ in range(STEPS):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return values


ORACLES: list[Any] = [
    (Exponential(0.1, 0.9), lambda o: L.ExponentialLR(o, 0.9)),
    (Step(0.1, 0.5, 7), lambda o: L.StepLR(o, 7, 0.5)),
    (MultiStep(0.1, [10, 25], 0.3), lambda o: L.MultiStepLR(o, [10, 25], 0.3)),
    (Linear(0.1, 0.01, 40), lambda o: L.LinearLR(o, 1.0, 0.1, 40)),
    (Poly(0.1, 2.0, 40), lambda o: L.PolynomialLR(o, 40, 2.0)),
    (Cosine(0.1, 0.01, STEPS), lambda o: L.CosineAnnealingLR(o, STEPS, 0.01)),
    (Cosine(0.1, 0.01, restart_every=10), lambda o: L.CosineAnnealingWarmRestarts(o, 10, 1, 0.01)),
    (Cosine(0.1, 0.01, restart_every=5, restart_growth=2), lambda o: L.CosineAnnealingWarmRestarts(o, 5, 2, 0.01)),
    (OneCycle(0.1, STEPS), lambda o: L.OneCycleLR(o, 0.1, STEPS + 1)),
    (OneCycle(0.1, shape="linear"), lambda o: L.OneCycleLR(o, 0.1, STEPS + 1, anneal_strategy="linear")),
    (OneCycle(0.1, three_phase=True, rise=0.4), lambda o: L.OneCycleLR(o, 0.1, STEPS + 1, pct_start=0.4, three_phase=True)),
    (Triangular(0.01, 0.1, 7), lambda o: L.CyclicLR(o, 0.01, 0.1, 7)),
    (Triangular(0.01, 0.1, 5, fall=9, shrink="half"), lambda o: L.CyclicLR(o, 0.01, 0.1, 5, 9, mode="triangular2")),
    (
        Triangular(0.01, 0.1, 7, shrink="exponential", gamma=0.97),
        lambda o: L.CyclicLR(o, 0.01, 0.1, 7, mode="exp_range", gamma=0.97),
    ),
    (
        SequenceSchedule([Linear(0.05, 0.1, 5), Exponential(0.1, 0.9), 0.1], [8, 30]),
        lambda o: L.SequentialLR(o, [L.LinearLR(o, 0.5, 1.0, 5), L.ExponentialLR(o, 0.9), L.ConstantLR(o, 1.0)], [8, 30]),
    ),
    (Inverse(0.1, 0.2, 1.5), lambda o: L.LambdaLR(o, lambda t: (1 + 0.2 * t) ** -1.5)),
    (
        WarmUp(Cosine(0.1), 10, start=0.2),
        lambda o: L.SequentialLR(o, [L.LinearLR(o, 0.2, 1.0, 10), L.CosineAnnealingLR(o, STEPS + 1 - 10)], [10]),
    ),
]


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(("schedule", "make"), ORACLES, ids=lambda value: getattr(value, "type_name", ""))
def test_is_torchs(schedule: Schedule, make: Any) -> None:
    if isinstance(schedule, OneCycle) and schedule.total is not None:
        schedule = schedule.replace(total=STEPS + 1)
    bound = schedule.bind(STEPS + 1, 1)
    own = [bound.value(step, 0.0) for step in range(STEPS)]
    assert own == pytest.approx(torchs(make, 0.1), rel=1e-9, abs=1e-12)


def test_deeplearning4js_formulas() -> None:
    """nd4j's org.nd4j.linalg.schedule, M2.1."""
    for t in range(STEPS):
        assert Sigmoid(0.1, -0.3, 20).value(t, 0.0) == pytest.approx(0.1 / (1 + math.exp(-0.3 * (t - 20))))
        assert Poly(0.1, 2.0, 40, growing=True).value(t, 0.0) == pytest.approx(0.1 * (1 + t / 40) ** 2 if t < 40 else 0.0)
        assert Ramp(Step(0.1, 0.5, 7), 10).value(t, 0.0) == pytest.approx(min((t + 1) / 10, 1) * 0.1 * 0.5 ** (t // 7))
        place, initial, increment = t % 21, 0.02, (0.1 - 0.02) / 8
        if place < 8:
            expected = initial + increment * place
        elif place < 16:
            expected = 0.1 - increment * (place - 8)
        else:
            expected = initial * 0.5 ** (4 - (21 - place))
        cycle = Cycle(0.1, 21, initial=0.02, annealing_length=4, annealing_decay=0.5)
        assert cycle.value(t, 0.0) == pytest.approx(expected)
    defaults = Cycle(0.5, 25)
    assert defaults.value(0, 0.0) == pytest.approx(0.05)
    assert defaults.value(11, 0.0) == pytest.approx(0.5)
    assert defaults.value(24, 0.0) == pytest.approx(0.05 * 0.1**2)


def test_noam_is_inverse_sqrt_with_its_factor() -> None:
    """Vaswani et al. 2017, equation 3; both forms."""
    for t in range(STEPS):
        expected = 64**-0.5 * min((t + 1) ** -0.5, (t + 1) * 10**-1.5)
        assert Noam(64, 10).value(t, 0.0) == pytest.approx(expected)
        assert InverseSqrt((64 * 10) ** -0.5, 10).value(t, 0.0) == pytest.approx(expected)


def test_map_holds_from_its_positions_and_needs_the_first() -> None:
    schedule = MapSchedule.from_yaml("{type: map, values: {0: 0.1, 5: 0.01}}")
    assert [schedule.value(step, 0.0) for step in (0, 4, 5, 99)] == [0.1, 0.1, 0.01, 0.01]
    with pytest.raises(LaminaError) as caught:
        MapSchedule({3: 0.1})
    assert caught.value.code == "SP004"
    assert caught.value.problems[0].fix == "add 0: VALUE"


def test_a_cycle_without_room_is_refused() -> None:
    with pytest.raises(LaminaError) as caught:
        Cycle(0.1, 10, annealing_length=9)
    assert caught.value.problems[0].fix == "write annealing_length: 8 or less"


def test_units() -> None:
    assert Step(0.1, 0.5, 2, unit="epochs").value(0, 3.99) == 0.05
    assert Linear(1.0, 0.0, 10, unit="epochs").value(0, 2.5) == pytest.approx(0.8)
    assert Linear(1.0, 0.0, 10, unit="fractional_epochs").value(0, 2.5) == pytest.approx(0.75)


def test_binding_reaches_nested_schedules_and_leaves_given_lengths() -> None:
    bound = WarmUp(Cosine(0.1), 10).bind(total_steps=50, total_epochs=5)
    assert bound.schedule == Cosine(0.1, total=40)
    assert bound.value(50, 5.0) == pytest.approx(0.0)
    assert bound.value(10, 1.0) == 0.1
    assert WarmUp(Cosine(0.1, unit="epochs"), 10).bind(50, 5).schedule.total == 5
    assert WarmUp(Cosine(0.1, unit="epochs"), 2, unit="epochs").bind(50, 5).schedule.total == 3
    assert Cosine(0.1, total=7).bind(50, 5) == Cosine(0.1, total=7)
    optimizer = Nesterov(Ramp(Cosine(0.1), 3), Linear(0.5, 0.9)).bind(50, 5)
    assert optimizer.learning_rate.schedule.total == optimizer.momentum.total == 50
    plain = Adam(0.1)
    assert plain.bind(50, 5) is plain


def test_an_unknown_length_is_refused() -> None:
    with pytest.raises(LaminaError) as caught:
        Cosine(0.1).value(0, 0.0)
    assert caught.value.code == "EN020"
    assert "total: NUMBER" in caught.value.problems[0].fix


def test_wrong_rates_say_what_a_rate_can_be() -> None:
    with pytest.raises(LaminaError) as caught:
        Adam(learning_rate={"type": "cosin"})
    assert caught.value.code == "SP003"
    assert caught.value.problems[0].fix == "did you mean 'cosine'?"
    with pytest.raises(LaminaError) as caught:
        Adam(learning_rate=-0.1)
    assert caught.value.code == "SP004"


def test_poly_ends_where_it_is_told() -> None:
    """Keras's PolynomialDecay with an ``end_learning_rate``."""
    own = [Poly(0.1, 2.0, 40, final=0.01).value(step, 0.0) for step in range(STEPS)]
    assert own == pytest.approx([0.01 + 0.09 * (1 - min(step, 40) / 40) ** 2 for step in range(STEPS)])


def test_the_last_of_a_sequence_lasts_to_the_end_of_the_run() -> None:
    bound = SequenceSchedule([0.1, Cosine(0.2)], [10]).bind(50, 1)
    assert bound.value(10, 0.0) == 0.2
    assert bound.value(30, 0.0) == pytest.approx(0.1)
    assert bound.value(50, 0.0) == pytest.approx(0.0)
    with pytest.raises(LaminaError, match="1 starts"):
        SequenceSchedule([0.1, 0.2], [5, 10])
