"""Every family of components and the contract suite that its members must pass.

Whoever makes a component runs the suite of its family on all of its examples:

>>> from lamina.network.losses import Huber
>>> check_component(Huber)

Lamina's own tests do that for the whole registry, and hold that no family is missing here.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lamina.spec import Description, registry
from lamina.testing.promises import promise

SUITES: dict[str, str] = {
    "activation": "lamina.testing.activations:check_activation",
    "averaging": "lamina.testing.averaging:check_averaging",
    "cache": "lamina.testing.caching:check_cache",
    "callback": "lamina.testing.callbacks:check_callback",
    "clip": "lamina.testing.clipping:check_clip",
    "cluster": "lamina.testing.clusters:check_cluster",
    "column": "lamina.testing.steps:check_column",
    "constraint": "lamina.testing.constraints:check_constraint",
    "evaluation": "lamina.testing.evaluations:check_evaluation",
    "exchange": "lamina.testing.exchanges:check_exchange",
    "generation": "lamina.testing.generation:check_method",
    "image_step": "lamina.testing.images:check_image_step",
    "initializer": "lamina.testing.initializers:check_initializer",
    "layer": "lamina.testing.layers:check_layer",
    "line_search": "lamina.testing.line_search:check_line_search",
    "loss": "lamina.testing.losses:check_loss",
    "mix": "lamina.testing.mixing:check_mix",
    "network": "lamina.testing.networks:check_network",
    "noise": "lamina.testing.noise:check_noise",
    "normalizer": "lamina.testing.data:check_normalizer",
    "optimizer": "lamina.testing.optimizers:check_optimizer",
    "preparation": "lamina.testing.images:check_preparation",
    "reconstruction": "lamina.testing.reconstructions:check_reconstruction",
    "sampling": "lamina.testing.data:check_sampling",
    "schedule": "lamina.testing.schedules:check_schedule",
    "shape": "lamina.testing.shapes:check_shape",
    "sharpness": "lamina.testing.sharpness:check_sharpness",
    "sound_augmentation": "lamina.testing.sound:check_sound_augmentation",
    "sound_features": "lamina.testing.sound:check_sound_features",
    "source": "lamina.testing.data:check_source",
    "split": "lamina.testing.data:check_split",
    "tokenizer": "lamina.testing.text:check_tokenizer",
    "step": "lamina.testing.steps:check_step",
    "trigger": "lamina.testing.triggers:check_trigger",
    "weight_noise": "lamina.testing.noise:check_weight_noise",
}
"""Family to its suite: a function of one example."""

_WRITING = {"cache", "callback"}
"""Families whose suites also take a folder to write into."""


def examples_of(component: type[Description]) -> list[Any]:
    """The examples of a component: its descriptions; of layers, pairs of a description and the shapes of its inputs.

    Raises:
        AssertionError: If there are none, or one is of another class (inherited from a parent, say).
    """
    found = list(component.examples())
    promise(found, f"{component.__name__}.examples() gives at least one")
    for example in found:
        described = example[0] if isinstance(example, tuple) else example
        promise(type(described) is component, f"the examples of {component.__name__} are its own, not {type(described).__name__}s")
    return found


def cases(*families: str) -> Iterator[tuple[str, str, Any]]:
    """Every example of every registered component of these families: an identifier, the family, the example."""
    for family in families:
        for name, component in registry.components(family):
            for number, example in enumerate(examples_of(component)):
                yield f"{family}-{name}-{number}", family, example


def check_example(family: str, example: Any, folder: Path) -> None:
    """Run the suite of a family on one example.

    Args:
        family: Such as ``loss``.
        example: From `examples_of`.
        folder: Where the suite may write.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    module, _, name = SUITES[family].partition(":")
    suite = getattr(importlib.import_module(module), name)
    given = example if isinstance(example, tuple) else (example,)
    suite(*given, *([folder] if family in _WRITING else []))


def check_component(component: type[Description]) -> None:
    """Run the suite of its family on every example of a component.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    for example in examples_of(component):
        with tempfile.TemporaryDirectory() as folder:
            check_example(component.family_name(), example, Path(folder))
