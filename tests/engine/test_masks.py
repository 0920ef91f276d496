"""Sequences of different lengths in one batch, and networks run piece by piece."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import lamina as lm
from lamina.engine.build import build
from lamina.engine.foreign import ForeignNetwork
from lamina.engine.masks import Masks, run_alone
from lamina.engine.state import State
from lamina.errors import LaminaError, ShapeError, TrainingError
from lamina.network.masking import check_masks, masked_nodes

LENGTHS = (6, 3, 1, 4)


@pytest.fixture
def tagger() -> lm.Sequential:
    return lm.Sequential(lm.sequence(None, 3), [lm.LSTM(4), lm.Dense(5, activation="tanh"), lm.Output(2)])


def batch(features: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    mask = torch.arange(6)[None, :] < torch.tensor(LENGTHS)[:, None]
    return torch.randn(4, 6, features, generator=generator, dtype=torch.float64), mask


def test_a_mask_goes_with_the_sequence_to_the_output(tagger: lm.Sequential) -> None:
    network = build(tagger.resolve(), 2, dtype=torch.float64).eval()
    x, mask = batch()
    (scores,), (found,) = network.run(x, {"input": mask})
    assert torch.equal(found, mask)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(scores[row, :length], network(x[row : row + 1, :length])["output_1"][0])


def test_a_network_that_ends_the_steps_gives_what_each_gets_alone() -> None:
    net = lm.Sequential(lm.sequence(None, 3), [lm.Bidirectional(lm.GRU(4)), lm.GlobalMaxPool(), lm.Output(2)])
    network = build(net.resolve(), 2, dtype=torch.float64).eval()
    x, mask = batch()
    scores = network(x, {"input": mask})["output_1"]
    alone = torch.cat([network(x[row : row + 1, :length])["output_1"] for row, length in enumerate(LENGTHS)])
    torch.testing.assert_close(scores, alone)


def test_run_alone_skips_samples_without_real_steps_and_moves_gaps_together() -> None:
    x = torch.arange(12.0).reshape(3, 4, 1)
    mask = torch.tensor([[True, True, True, True], [False] * 4, [True, False, True, False]])
    y, found = run_alone(lambda x: x.cumsum(1), (x,), (mask,), steps=4, whole=False)
    assert torch.equal(found, mask)
    assert y[:, :, 0].tolist() == [[0, 1, 3, 6], [0, 0, 0, 0], [8, 0, 18, 0]]
    total, none = run_alone(lambda x: x.sum(1), (x,), (mask,), steps=None, whole=True)
    assert none is None
    assert total[:, 0].tolist() == [6, 0, 18]


@pytest.mark.parametrize("mask", [torch.ones(4, 5, dtype=torch.bool), torch.ones(4, 6), torch.ones(4, 6, 1, dtype=torch.bool)])
def test_a_mask_of_the_wrong_shape_names_its_input(tagger: lm.Sequential, mask: torch.Tensor) -> None:
    network = build(tagger.resolve(), 2, dtype=torch.float64)
    with pytest.raises(ShapeError, match="EN040") as caught:
        network(batch()[0], {"input": mask})
    assert "input 'input'" in caught.value.problems[0].where
    assert "[4, 6]" in caught.value.problems[0].expected


def test_masks_of_what_has_no_steps_and_of_nothing_are_refused() -> None:
    network = build(lm.Sequential(lm.features(3), [lm.Output(2)]).resolve(), 0)
    with pytest.raises(ShapeError, match="no steps"):
        network(torch.ones(2, 3), {"input": torch.ones(2, 3, dtype=torch.bool)})
    graph = lm.Graph(
        {"x": lm.sequence(None, 3), "y": lm.features(2)}, {"a": lm.LSTM(2, inputs="x"), "b": lm.Dense(2, inputs="y")}, ["a", "b"]
    )
    with pytest.raises(ShapeError, match="EN040"):
        build(graph.resolve(), 0)({"x": torch.ones(1, 2, 3), "y": torch.ones(1, 2)}, {"z": torch.ones(1, 2, dtype=torch.bool)})
    with pytest.raises(ShapeError, match="knows nothing of masks"):
        ForeignNetwork(nn.Linear(3, 2), loss="mse").run(torch.ones(1, 2, 3), {"input": torch.ones(1, 2, dtype=torch.bool)})


def test_what_cant_take_masks_is_said_before_anything_runs() -> None:
    plan = lm.Sequential(lm.sequence(6, 3), [lm.LSTM(2), lm.Flatten(), lm.Output(2)]).resolve()
    assert masked_nodes(plan.nodes, ["input"]) == {"lstm_1"}
    with pytest.raises(LaminaError, match="flatten_1") as caught:
        check_masks(plan, ["input"])
    assert caught.value.code == "NN014"
    check_masks(plan, [])


def test_a_state_is_tensors_that_can_be_kept_picked_and_detached() -> None:
    state = State(2, (), {"lstm": {"hidden": torch.ones(2, 3, requires_grad=True)}}, {"encoder": torch.zeros(2, 4)})
    assert not state.detach().memories["lstm"]["hidden"].requires_grad
    picked = state.select([1, 1, 0])
    assert torch.equal(state.select(torch.tensor([1, 1, 0])).values["encoder"], picked.values["encoder"])
    assert picked.batch == 3
    assert picked.values["encoder"].shape == (3, 4)
    again = State.from_arrays(state.to_arrays())
    assert torch.equal(again.memories["lstm"]["hidden"], state.memories["lstm"]["hidden"].detach())
    with pytest.raises(ShapeError, match="EN042"):
        State.from_arrays({"weights/a": state.to_arrays()["batch"]})
    with pytest.raises(ShapeError, match="3 samples"):
        state.check(3, {})
    with pytest.raises(ShapeError, match="layer 'gru'"):
        state.check(2, {"gru": {"hidden": torch.zeros(2, 3)}})


def test_what_is_known_from_the_start_is_computed_once() -> None:
    nodes = {
        "encoder": lm.Dense(3, inputs="source"),
        "seen": lm.Dense(3, inputs="words"),
        "far": lm.Output(2, loss="mse", inputs="seen"),
        "near": lm.Dense(2, inputs="encoder"),
    }
    graph = lm.Graph({"source": lm.features(4), "words": lm.sequence(None, 2)}, nodes, ["far", "near"])
    network = build(graph.resolve(), 0).eval()
    source, words = torch.randn(2, 4), torch.randn(2, 5, 2)
    state = network.start_state(2, {"source": source})
    assert set(state.values) == {"near"}
    whole = network({"source": source, "words": words})
    scores, _, state = network.advance({"words": words[:, :3]}, state)
    more, _, _ = network.advance(words[:, 3:], state)
    torch.testing.assert_close(torch.cat([scores["far"], more["far"]], 1), whole["far"])
    torch.testing.assert_close(scores["near"], whole["near"])
    with pytest.raises(ShapeError, match="EN042"):
        network.advance(words[:1], state)


def test_a_layer_that_needs_all_steps_says_so() -> None:
    network = build(lm.Sequential(lm.sequence(None, 3), [lm.Bidirectional(lm.GRU(4)), lm.Output(2)]).resolve(), 0)
    with pytest.raises(TrainingError, match="EN041") as caught:
        network.advance(torch.ones(1, 2, 3), network.start_state(1))
    assert "bidirectional_1" in caught.value.problems[0].where


def test_masks_know_whether_they_are_any() -> None:
    assert not Masks()
    assert Masks({"x": torch.ones(1, 1, dtype=torch.bool)})


def test_samples_without_a_target_have_none_at_any_step() -> None:
    network = build(lm.Sequential(lm.sequence(None, 3), [lm.Output(1, loss="mse")]).resolve(), 0)
    _, mask = batch()
    has = torch.tensor([True, False, True, True])
    judged = network.judged_steps({"output_1": mask}, Masks(targets={"output_1": has}))["output_1"]
    assert judged is not None
    assert torch.equal(judged, mask & has[:, None])


def test_layers_that_hold_others_take_what_these_take() -> None:
    ends = [lm.GlobalAvgPool(), lm.Dense(1)]
    one = lm.layers.Conditional(ends, then=lm.GRU(3))
    network = build(lm.Sequential(lm.sequence(6, 3), [one, lm.Output(2)]).resolve(), 0, dtype=torch.float64).eval()
    x, mask = batch()
    found = network(x, {"input": mask})["output_1"]
    open_ended = build(lm.Sequential(lm.sequence(None, 3), [one, lm.Output(2)]).resolve(), 0, dtype=torch.float64).eval()
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(found[row, :length], open_ended(x[row : row + 1, :length])["output_1"][0])
    flat = lm.layers.Conditional(ends, then=[lm.Flatten(), lm.Dense(2)], otherwise=[lm.Flatten(), lm.Dense(2)])
    with pytest.raises(LaminaError, match="NN014"):
        check_masks(lm.Sequential(lm.sequence(6, 3), [flat, lm.Output(2)]).resolve(), ["input"])
