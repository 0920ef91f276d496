"""PyTorch source that can be read, and its weights beside it: nothing of Lamina is needed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from lamina.errors import Problem, ProofError
from lamina.interop.exporting import Exporter, Subject, Written
from lamina.interop.report import Remark

if TYPE_CHECKING:
    import numpy as np

    from lamina.interop.python.source import Source
    from lamina.interop.trials import Trial

RUN = """
import importlib.util
import sys

import numpy as np
import torch

source, given, found, weights = sys.argv[1:]
spec = importlib.util.spec_from_file_location("exported", source)
module = importlib.util.module_from_spec(spec)
sys.modules["exported"] = module
spec.loader.exec_module(module)
if "lamina" in sys.modules:
    raise SystemExit("the source imports lamina")
outputs = {}
if weights:
    network = module.Network()
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.eval()
else:
    network = module.load()
with np.load(given, allow_pickle=False) as file, torch.inference_mode():
    trials = {}
    for key in file.files:
        number, place = key.split("_", 1)
        trials.setdefault(number, {})[int(place)] = torch.from_numpy(file[key])
    for number, inputs in trials.items():
        y = network(*[inputs[place] for place in sorted(inputs)])
        named = y if isinstance(y, dict) else {"": y}
        outputs |= {f"{number}_{name}": value.numpy() for name, value in named.items()}
np.savez(found, **outputs)
"""
"""What the other process does; its arguments are the source, the inputs, where outputs go, and a file of torch with the weights."""
PATIENCE = 600


@dataclass(frozen=True)
class PythonExporter(Exporter):
    """A ``.py`` with a class ``Network`` and a function ``load``, and ``.safetensors`` of the same name beside it.

    It is proven in a process of its own, which has no Lamina.

    Attributes:
        masks: Whether inputs with steps come with a mask that says which are real.
    """

    name: ClassVar[str] = "python"
    title: ClassVar[str] = "PyTorch source"
    suffixes: ClassVar[tuple[str, ...]] = (".py",)

    masks: bool = False

    def check(self, subject: Subject, path: Path) -> list[Problem]:  # noqa: ARG002
        source = source_for(subject, self.masked_inputs(subject))
        return [*source.draft.problems, *source.problems]

    def write(self, subject: Subject, path: Path) -> Written:
        from safetensors.numpy import save_file

        from lamina.interop.python.file import text_of
        from lamina.interop.python.preprocessing import others

        source = source_for(subject, self.masked_inputs(subject))
        path.write_text(text_of(source, subject, path.stem), encoding="utf-8")
        save_file({name: contiguous(array) for name, array in source.state.items()}, path.with_suffix(".safetensors"))
        lost = [Remark("preprocessing", what) for what in others(subject)]
        return Written(tuple(lost), {"use": f"import {path.stem}; network = {path.stem}.load()"})

    def prove(self, subject: Subject, path: Path, trial: Trial) -> Mapping[str, np.ndarray]:
        return self.prove_all(subject, path, [trial])[0]

    def prove_all(self, subject: Subject, path: Path, trials: Sequence[Trial]) -> list[Mapping[str, np.ndarray]]:
        return run_source(subject, path, trials)

    def masked_inputs(self, subject: Subject) -> tuple[str, ...]:
        return tuple(name for name, shape in subject.plan.inputs.items() if shape.has_steps) if self.masks else ()


def run_source(subject: Subject, path: Path, trials: Sequence[Trial], weights: Path | None = None) -> list[Mapping[str, np.ndarray]]:
    """What source gives for trials, in a process of its own.

    Args:
        subject: The model.
        path: The source.
        trials: Inputs.
        weights: A file of torch's; the one beside the source by default.

    Raises:
        ProofError: IO061, if it doesn't run.
    """
    import numpy as np

    arrays: dict[str, np.ndarray] = {}
    for number, trial in enumerate(trials):
        given = [*trial.inputs.values(), *trial.masks.values()]
        arrays |= {f"{number}_{place}": array for place, array in enumerate(given)}
    with tempfile.TemporaryDirectory() as folder:
        given_path, found_path = Path(folder) / "given.npz", Path(folder) / "found.npz"
        np.savez(given_path, allow_pickle=False, **arrays)
        command = [sys.executable, "-I", "-B", "-c", RUN, str(path), str(given_path), str(found_path), str(weights or "")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode:
            raise _broken(path, done.stderr)
        with np.load(found_path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    outputs = subject.plan.outputs
    keys = outputs if len(outputs) > 1 else ("",)
    return [{name: found[f"{number}_{key}"] for name, key in zip(outputs, keys, strict=True)} for number in range(len(trials))]


def source_for(subject: Subject, masks: tuple[str, ...] = ()) -> Source:
    """A model as source."""
    from lamina.interop.emission.drawing import drawn
    from lamina.interop.python.file import source_of

    return source_of(drawn(subject.network, masks=masks, target="PyTorch source"))


def contiguous(array: np.ndarray) -> np.ndarray:
    """The same in rows, as safetensors writes it; a single number stays one."""
    import numpy as np

    return np.ascontiguousarray(array).reshape(array.shape)


def _broken(path: Path, message: str) -> ProofError:
    lines = message.strip().splitlines() or ["it ended without a word"]
    return ProofError(
        "IO061",
        where=str(path.name),
        expected="source that runs",
        got=lines[-1][:300],
        cause="a layer is exported wrongly, or the PyTorch of this environment is another one",
        fix="nothing was written; report it with the model; with --no-verify the file is written all the same",
    )
