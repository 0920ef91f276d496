"""Vertices against torch's modules and NumPy; sequences of different lengths; what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lamina as lm
from lamina import vertices as V
from lamina.engine.build import build
from lamina.engine.network import NetworkModule
from lamina.errors import DataError, ShapeError
from lamina.network.layers import Layer
from lamina.shapes import Features, Image, Sequence, Shape, Tokens, Volume
from lamina.testing.layers import plan_of

F64 = torch.float64
ANY = Sequence(steps=None, features=3)


def made(layer: Layer, *shapes: Shape) -> NetworkModule:
    network = build(plan_of(layer, shapes), seed=5, dtype=F64).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return network


def run(layer: Layer, shapes: tuple[Shape, ...], *inputs: Tensor, masks: dict[str, Tensor] | None = None) -> Tensor:
    named = {f"input_{number + 1}": x for number, x in enumerate(inputs)}
    return made(layer, *shapes).run(named, masks)[0][0].detach()


def drawn(*sizes: int, seed: int = 1) -> Tensor:
    return torch.randn(sizes, generator=torch.Generator().manual_seed(seed), dtype=F64)


@pytest.mark.parametrize(
    ("shape", "sizes", "axis"),
    [(Features(4), (3, 4), 1), (ANY, (2, 5, 3), 2), (Image(channels=3, height=2, width=4), (2, 3, 2, 4), 1)],
)
def test_vectors_are_compared_as_torch_does(shape: Shape, sizes: tuple[int, ...], axis: int) -> None:
    x, y = drawn(*sizes), drawn(*sizes, seed=2)
    last_x, last_y = x.movedim(axis, -1), y.movedim(axis, -1)
    theirs = {
        "cosine": (V.CosineSimilarity(), nn.CosineSimilarity(dim=axis)(x, y).unsqueeze(axis)),
        "p": (V.PairwiseDistance(3.0), nn.PairwiseDistance(3.0, keepdim=True)(last_x, last_y).movedim(-1, axis)),
        "l2": (V.L2Distance(), torch.from_numpy(np.sqrt(((x - y).numpy() ** 2).sum(axis, keepdims=True)))),
    }
    for layer, wanted in theirs.values():
        torch.testing.assert_close(run(layer, (shape, shape), x, y), wanted)
    wanted = torch.from_numpy(x.numpy() / np.sqrt((x.numpy() ** 2).sum(axis, keepdims=True)))
    torch.testing.assert_close(run(V.L2Normalize(), (shape,), x), wanted)


def test_whole_samples_are_compared_as_deeplearning4j_does() -> None:
    shape, x, y = Volume(channels=2, depth=2, height=3, width=2), drawn(3, 2, 2, 3, 2), drawn(3, 2, 2, 3, 2, seed=2)
    flat = np.linalg.norm((x - y).numpy().reshape(3, -1), axis=1)[:, None]
    torch.testing.assert_close(run(V.L2Distance(over="sample"), (shape, shape), x, y), torch.from_numpy(flat))
    lengths = np.linalg.norm(x.numpy().reshape(3, -1), axis=1)
    torch.testing.assert_close(run(V.L2Normalize(over="sample"), (shape,), x), x / torch.from_numpy(lengths).reshape(3, 1, 1, 1, 1))


def test_equal_inputs_have_a_distance_with_a_gradient() -> None:
    x = drawn(2, 3).requires_grad_()
    (distance,) = made(V.L2Distance(), Features(3), Features(3)).run({"input_1": x, "input_2": x.detach().clone()})[0]
    distance.sum().backward()
    assert torch.equal(x.grad, torch.zeros(2, 3, dtype=F64))


def test_dot_adds_up_along_the_axes_it_is_told() -> None:
    x, y = drawn(2, 5, 3), drawn(2, 4, 3, seed=2)
    five, four = Sequence(steps=5, features=3), Sequence(steps=4, features=3)
    torch.testing.assert_close(run(V.Dot(), (five, four), x, y), x @ y.mT)
    z = drawn(2, 5, 2, seed=3)
    torch.testing.assert_close(run(V.Dot("steps"), (five, Sequence(steps=5, features=2)), x, z), x.mT @ z)
    torch.testing.assert_close(run(V.Dot(["features", "steps"]), (five, Sequence(steps=3, features=2)), x, z[:, :3]), x @ z[:, :3])
    cosines = nn.functional.cosine_similarity(x[:, :, None], y[:, None], dim=-1)
    torch.testing.assert_close(run(V.Dot(normalize=True), (five, four), x, y), cosines)
    torch.testing.assert_close(run(V.Dot(), (Features(3), four), x[:, 0], y), (y @ x[:, 0, :, None])[..., 0])
    torch.testing.assert_close(run(V.Dot(each_step=True), (ANY, ANY), x[:, :4], y), (x[:, :4] * y).sum(-1, keepdim=True))
    torch.testing.assert_close(run(V.Dot(), (Features(3),) * 2, x[:, 0], y[:, 0]), (x[:, 0] * y[:, 0]).sum(-1, keepdim=True))


def test_bilinear_is_that_of_torch() -> None:
    network = made(V.Bilinear(4), ANY, Sequence(steps=None, features=2))
    theirs = nn.Bilinear(3, 2, 4, dtype=F64)
    theirs.load_state_dict({name.rpartition("/")[2]: value for name, value in network.tensors().items()})
    x, y = drawn(2, 5, 3), drawn(2, 5, 2)
    torch.testing.assert_close(network.scores({"input_1": x, "input_2": y})[0], theirs(x, y))


@pytest.mark.parametrize(
    "cut", [slice(1, 3), slice(-2, None), slice(None, None, -1), slice(None, None, 2), slice(4, 0, -3), slice(None, -1), slice(-3, -1)]
)
@pytest.mark.parametrize("axis", ["features", "steps"])
def test_slices_are_those_of_python(cut: slice, axis: str) -> None:
    x = drawn(2, 6, 5)
    layer = V.Slice(cut.start, cut.stop, 1 if cut.step is None else cut.step, axis=axis)
    wanted = x.numpy()[:, cut] if axis == "steps" else x.numpy()[:, :, cut]
    assert np.array_equal(run(layer, (Sequence(steps=6, features=5),), x).numpy(), wanted)


def test_parts_put_together_are_the_whole() -> None:
    x, shape = drawn(2, 6, 3, 4), Image(channels=6, height=3, width=4)
    assert torch.equal(torch.cat([run(V.Split(3, i), (shape,), x) for i in range(3)], 1), x)
    assert torch.equal(torch.cat([run(V.Split([1, 3], i, axis="width"), (shape,), x) for i in range(2)], 3), x)


def test_what_is_stacked_can_be_unstacked() -> None:
    shape, frames = Image(channels=1, height=2, width=2), [drawn(2, 1, 2, 2, seed=seed) for seed in range(3)]
    stacked = run(V.Stack(), (shape,) * 3, *frames)
    assert stacked.shape == (2, 3, 1, 2, 2)
    assert torch.equal(run(V.Unstack(-2), (lm.series(3, shape),), stacked), frames[1])


def test_places_are_gathered_in_any_order() -> None:
    x = drawn(2, 5, 3)
    assert torch.equal(run(V.Gather([2, 0, 0, -1]), (ANY,), x), x[:, :, [2, 0, 0, 2]])
    places = torch.tensor([[4, 0], [1, 1]])
    wanted = torch.stack([x[0, [4, 0]], x[1, [1, 1]]])
    assert torch.equal(run(V.Gather(axis="steps"), (ANY, Tokens(steps=2, vocabulary=5)), x, places), wanted)


def test_only_real_steps_are_counted() -> None:
    x, mask = drawn(2, 4, 3), torch.tensor([[False, True, True, False], [True, True, True, True]])
    masks = {"input_1": mask}
    assert torch.equal(run(V.Unstack(-1), (ANY,), x, masks=masks), torch.stack([x[0, 2], x[1, 3]]))
    back = run(V.ReverseSteps(), (ANY,), x, masks=masks)
    assert torch.equal(back[0, 1:3], x[0, [2, 1]])
    assert torch.equal(back[1], x[1, [3, 2, 1, 0]])
    assert torch.equal(run(V.Slice(1, axis="steps"), (ANY,), x, masks=masks)[0, 0], x[0, 2])
    two = (ANY, Tokens(steps=None, vocabulary=4))
    assert torch.equal(run(V.Gather(axis="steps"), two, x, torch.tensor([[1], [3]]), masks=masks), torch.stack([x[0, [2]], x[1, [3]]]))
    with pytest.raises(DataError, match="EN062"):
        run(V.Gather(axis="steps"), two, x, torch.tensor([[2], [3]]), masks=masks)
    with pytest.raises(ShapeError, match="EN061"):
        run(V.Unstack(2), (ANY,), x, masks=masks)


def test_a_vector_stands_at_every_step() -> None:
    network = made(V.DuplicateToSteps(), Features(2), ANY)
    mask = torch.tensor([[True, True, False]])
    (y,), (found,) = network.run({"input_1": torch.ones(1, 2, dtype=F64), "input_2": drawn(1, 3, 3)}, {"input_2": mask})
    assert torch.equal(y, torch.ones(1, 3, 2, dtype=F64))
    assert found is not None
    assert torch.equal(found, mask)


def test_min_shift_and_pool_helper() -> None:
    x, y, shape = drawn(2, 1, 3, 4), drawn(2, 1, 3, 4, seed=2), Image(channels=1, height=3, width=4)
    assert np.array_equal(run(V.Min(), (shape, shape), x, y).numpy(), np.minimum(x.numpy(), y.numpy()))
    assert torch.equal(run(V.Shift(0.5), (shape,), x), x + 0.5)
    assert torch.equal(run(V.PoolHelper(), (shape,), x), x[:, :, 1:, 1:])


@pytest.mark.parametrize(
    ("layer", "code"), [(V.Slice(4, axis="steps"), "EN060"), (V.Unstack(3), "EN061"), (V.Gather([3], axis="steps"), "EN061")]
)
def test_sequences_that_are_too_short_are_named(layer: Any, code: str) -> None:
    with pytest.raises(ShapeError, match="NN008.*'tested'"):
        run(layer, (ANY,), drawn(2, 3, 3))
    mask = torch.arange(6) < torch.tensor([[6], [3]])
    with pytest.raises(ShapeError, match=f"{code}.*'tested'"):
        run(layer, (ANY,), drawn(2, 6, 3), masks={"input_1": mask})
