"""Networks of the zoo made smaller, run by torch: what comes out has the shape that was inferred, and everything learns."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lamina.engine.build import build
from lamina.shapes import Shape, Tokens, image, sequence, tokens
from lamina.zoo.catalog import make

CASES: list[tuple[str, dict[str, Any]]] = [
    ("lenet", {}),
    ("alexnet", {"classes": 3, "input": image(3, 67, 63)}),
    ("googlenet", {"classes": 3, "input": image(3, 33, 31)}),
    ("resnet18", {"classes": 3, "input": image(1, 33, 40)}),
    ("resnet50", {"classes": 3, "input": image(3, 32, 33)}),
    ("squeezenet1_0", {"classes": 3, "input": image(3, 40, 43)}),
    ("squeezenet1_1", {"classes": 3, "input": image(3, 40, 43)}),
    ("inception_resnet_v1", {"classes": None, "input": image(3, 80, 80)}),
    ("xception", {"classes": 3, "input": image(3, 71, 72)}),
    ("densenet121", {"classes": 3, "input": image(3, 32, 40)}),
    ("mobilenet_v2", {"classes": 3, "input": image(3, 33, 40)}),
    ("mobilenet_v3_small", {"classes": 3, "input": image(3, 33, 40)}),
    ("efficientnet_b0", {"classes": 3, "input": image(3, 33, 40)}),
    ("convnext_tiny", {"classes": 3, "input": image(3, 32, 65)}),
    ("darknet19", {"classes": 3, "input": image(3, 32, 64)}),
    ("tiny_yolo", {"classes": 3, "input": image(3, 64, 96)}),
    ("yolo2", {"classes": 3, "input": image(3, 64, 96)}),
    ("nasnet_mobile", {"classes": 3, "input": image(3, 64, 71)}),
    ("vit_tiny", {"classes": 3, "input": image(3, 33, 48)}),
    ("unet", {"classes": 2, "input": image(1, 16, 24), "filters": 4, "depth": 3, "dropout": 0.5}),
    ("unet", {"input": image(1, 8, 8), "filters": 4, "depth": 1, "normalize": False}),
    ("char_lstm", {"units": 8, "dropout": 0.1}),
    ("text_cnn", {"input": tokens(None, 50), "embedding": 6, "filters": 4}),
    ("transformer_classifier", {"input": tokens(None, 50), "units": 6, "hidden": 5}),
    ("gpt", {"input": tokens(None, 50), "units": 8, "heads": 2, "blocks": 2, "length": 12}),
    ("seq2seq", {"read": tokens(None, 20), "write": tokens(None, 30), "units": 8, "embedding": 4, "dropout": 0.1}),
    ("wavenet", {"filters": 4, "skip": 6, "layers": 3, "repeats": 2}),
    ("nbeats", {"horizon": 3, "input": sequence(12, 1), "stacks": 3, "units": 8}),
]


def example(shape: Shape) -> torch.Tensor:
    sizes = (2, *(9 if size is None else size for size in shape.dims))
    return torch.randint(0, shape.vocabulary, sizes) if isinstance(shape, Tokens) else torch.randn(sizes)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "settings"), CASES, ids=[f"{index}-{name}" for index, (name, _) in enumerate(CASES)])
def test_forward_and_backward(name: str, settings: dict[str, Any]) -> None:
    torch.manual_seed(3)
    plan = make(name, settings).resolve()
    network = build(plan, seed=3)
    network.train()
    scores = network.forward({name: example(shape) for name, shape in plan.inputs.items()})
    for output, shape in plan.output_shapes.items():
        assert tuple(scores[output].shape[1:]) == tuple(9 if size is None else size for size in shape.dims)
        assert torch.isfinite(scores[output]).all()
    sum(value.square().mean() for value in scores.values()).backward()
    silent = [key for key, value in network.named_parameters() if value.requires_grad and (value.grad is None or not value.grad.any())]
    assert silent == []


@pytest.mark.slow
def test_what_writes_can_be_decoded() -> None:
    """Networks for text run piece by piece, as `lamina.Model.generate` does, and give what they give for the whole."""
    settings = {"read": tokens(None, 20), "write": tokens(None, 30), "units": 8, "embedding": 4}
    network = build(make("seq2seq", settings).resolve(), seed=3).eval()
    read, write = torch.randint(0, 20, (2, 6)), torch.randint(0, 30, (2, 5))
    whole = network.forward({"read": read, "write": write})["output"]
    state = network.start_state(2, given={"read": read})
    first, _, state = network.advance({"write": write[:, :3]}, state)
    second, _, _ = network.advance({"write": write[:, 3:]}, state)
    torch.testing.assert_close(torch.cat([first["output"], second["output"]], dim=1), whole)
