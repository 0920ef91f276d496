"""A layer from somebody else's package: one entry that describes, one that runs, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from lamina.engine import implementations
from lamina.engine.activations import activates, activation_function
from lamina.errors import RegistrationError
from lamina.network.activations import Plain, Relu
from lamina.spec.plugins import ENGINES, Plugins

DESCRIBES = '''
from typing import ClassVar

from lamina.network.layers import Layer, Parameter
from lamina.network.layers.dense import Dense
from lamina.shapes import Features
from lamina.spec import register
from lamina.spec.fields import Positive


@register("gate")
class Gate(Layer):
    """Each feature times a gain of its own."""

    positional: ClassVar = ("scale",)
    accepts: ClassVar = (Features,)
    scale: Positive = 1.0

    def infer(self, inputs):
        return inputs[0]

    def parameters(self, inputs):
        return {"gain": Parameter((inputs[0].count,), "gain")}

    @classmethod
    def examples(cls):
        return [(cls(0.5), (Features(4),))]


@register("negated_dense")
class NegatedDense(Dense):
    """A dense layer, times -1: without its engine it would run as a dense layer, which is wrong."""

    @classmethod
    def examples(cls):
        return [(cls(3), (Features(4),))]
'''

RUNS = """
from gates.describe import Gate, NegatedDense
from lamina.engine.layers import LayerModule, runs
from lamina.engine.layers.dense import DenseModule


@runs(Gate)
class GateModule(LayerModule):
    def forward(self, x):
        return x * self.gain * self.node.layer.scale


@runs(NegatedDense)
class NegatedDenseModule(DenseModule):
    def compute(self, x):
        return -super().compute(x)
"""

NETWORK = """
type: sequential
input: {type: features, count: 4}
layers: [{type: gate, scale: 0.5}, {type: negated_dense, units: 5, activation: tanh}, {type: output, units: 3}]
"""

CHECKS = """
    import sys
    import lamina as lm
    network = lm.Sequential.load("network.yaml")
    assert [str(shape) for shape in network.resolve().output_shapes.values()] == ["[batch, 3]"]
    assert "torch" not in sys.modules and "gates.run" not in sys.modules
"""
TRAINS = """
    import numpy as np
    import lamina as lm
    x = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
    model = lm.Model(lm.Sequential.load("network.yaml"), seed=7)
    model.fit((x, x[:, 0].argsort() % 3), epochs=2)
    model.save("gate.lamina")
    np.save("said.npy", model.predict(x))
"""
LOADS = """
    import numpy as np
    import lamina as lm
    x = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
    assert np.array_equal(lm.load("gate.lamina").predict(x), np.load("said.npy"))
"""
PROVES = """
    import torch
    from lamina.engine.build import build
    from lamina.network.layers import Dense
    from lamina.shapes import Features
    from lamina.spec import registry
    from lamina.testing.layers import check_layer, plan_of
    torch.set_num_threads(1)
    gate, negated = registry.get("layer", "gate"), registry.get("layer", "negated_dense")
    for kind in (gate, negated):
        for layer, shapes in kind.examples():
            check_layer(layer, shapes)
    x = torch.ones(2, 4)
    ours, theirs = (build(plan_of(kind(3), (Features(4),)), 7)(x)["tested"] for kind in (Dense, negated))
    assert torch.equal(ours, -theirs)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pip leaves behind for a package that describes and runs two layers."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "gates").mkdir()
    (folder / "gates" / "__init__.py").write_text("")
    (folder / "gates" / "describe.py").write_text(DESCRIBES)
    (folder / "gates" / "run.py").write_text(RUNS)
    info = folder / "gates-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gates\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lamina.components]\ngates = gates.describe\n[lamina.engines]\ngates = gates.run\n")
    (folder / "network.yaml").write_text(NETWORK)
    return folder


def python(folder: Path, code: str) -> None:
    source = str(Path(__file__).parents[2] / "src")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=folder,
        env={"PYTHONPATH": f"{source}:{folder}", "PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_it_is_checked_without_torch(installed: Path) -> None:
    python(installed, CHECKS)


def test_it_is_trained_kept_and_loaded_by_another_process(installed: Path) -> None:
    python(installed, TRAINS)
    python(installed, LOADS)


def test_it_keeps_the_contract_and_runs_as_its_own_package_says(installed: Path) -> None:
    python(installed, PROVES)


def install_engine(folder: Path, name: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{ENGINES}]\n{name} = {name}\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(implementations, "_PLUGINS", Plugins(ENGINES))


def test_what_runs_here_needs_no_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_engine(tmp_path, "broken_engine", "raise ValueError('half installed')", monkeypatch)
    activation_function(Relu())


def test_a_broken_engine_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wave(Plain):
        """``sin(x)``."""

    install_engine(tmp_path, "other_engine", "raise ValueError('half installed')", monkeypatch)
    with pytest.raises(RegistrationError) as caught:
        activation_function(Wave())
    problem = caught.value.problems[0]
    assert (problem.code, problem.where) == ("SP008", "entry point other_engine = other_engine")
    assert problem.fix == "update or uninstall the package that declares this entry point"


def test_a_function_only_called_alike_takes_nobodys_place() -> None:
    def _simple(activation: Relu) -> None:
        """As Lamina's own function is called."""

    _simple.__qualname__ = "_simple"
    with pytest.raises(RegistrationError) as caught:
        activates(Relu)(_simple)
    assert caught.value.code == "EN030"
    assert caught.value.problems[0].fix == "remove one of them, or register a new version of the activation"
