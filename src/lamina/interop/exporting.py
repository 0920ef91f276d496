"""The way out: models of Lamina's as files of other systems, proven before they are put in place."""

from __future__ import annotations

import dataclasses
import importlib
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from lamina.errors import DependencyError, InteropError, Problem, RegistrationError, nearest
from lamina.files import TEMPORARY, sync_folder
from lamina.interop.report import Remark

if TYPE_CHECKING:
    import numpy as np

    from lamina.engine.network import NetworkModule
    from lamina.interop.proof import Proof
    from lamina.interop.trials import Trial
    from lamina.model import Model
    from lamina.network.plan import Plan


@dataclass(frozen=True)
class Subject:
    """What is exported.

    Attributes:
        model: The model.
        plan: Its layers with all shapes.
        network: It, runnable, not in training.
    """

    model: Model
    plan: Plan
    network: NetworkModule


@dataclass(frozen=True)
class Written:
    """What an exporter says of what it wrote.

    Attributes:
        lost: What the file can't hold: nothing that changes outputs.
        facts: What else is worth knowing, by name.
    """

    lost: tuple[Remark, ...] = ()
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Exporter(ABC):
    """A kind of file to write; a subclass is a frozen dataclass whose fields are its settings, each with a default.

    Enter it with `exporter`, or a line in this module's table if it belongs to Lamina. It is light: what writes is imported in
    its methods.

    Class attributes:
        name: As in ``--to``.
        title: What it writes, in words.
        suffixes: Endings of paths by which it is chosen.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]

    def check(self, subject: Subject, path: Path) -> list[Problem]:  # noqa: ARG002 (what subclasses are told)
        """Everything that has no counterpart there (IO004), by its place in the network; nothing is written if there is any."""
        return []

    def masked_inputs(self, subject: Subject) -> tuple[str, ...]:  # noqa: ARG002
        """Inputs that the file takes together with a mask of their real steps."""
        return ()

    @abstractmethod
    def write(self, subject: Subject, path: Path) -> Written:
        """Write the files.

        Args:
            subject: The model, which `check` had nothing against.
            path: The file, in an empty folder of its own; others may be written beside it, and all are moved to where the user wants
                them when they are proven.
        """

    @abstractmethod
    def prove(self, subject: Subject, path: Path, trial: Trial) -> Mapping[str, np.ndarray]:
        """What the file at ``path`` gives for the inputs of a trial, by the names of the network's outputs.

        Raises:
            DependencyError: IO063, if what runs such files isn't installed; see `needs`.
        """

    def prove_all(self, subject: Subject, path: Path, trials: Sequence[Trial]) -> list[Mapping[str, np.ndarray]]:
        """The same for several trials, one after another unless a subclass knows better."""
        return [self.prove(subject, path, trial) for trial in trials]


@dataclass(frozen=True)
class Exported:
    """A model that was exported; print it.

    Attributes:
        to: Name of the exporter.
        files: Everything that was written, the file that was asked for first.
        proof: How far its outputs are from the model's; None if nobody looked.
        trials: On which inputs they were compared, in words.
        lost: What it doesn't hold: nothing that changes outputs.
        facts: What else is worth knowing, by name.
    """

    to: str
    files: tuple[Path, ...]
    proof: Proof | None
    trials: tuple[str, ...]
    lost: tuple[Remark, ...]
    facts: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        return {
            "to": self.to,
            "files": [{"path": str(path), "bytes": path.stat().st_size} for path in self.files],
            "proof": None if self.proof is None else {**self.proof.to_dict(), "trials": list(self.trials)},
            "lost": [{"path": remark.path, "what": remark.what} for remark in self.lost],
            "facts": dict(self.facts),
        }

    def __str__(self) -> str:
        lines = [f"Written: {path} ({path.stat().st_size:,} bytes)" for path in self.files]
        lines += [f"{name}: {value}" for name, value in self.facts.items()]
        if self.proof is not None:
            lines += ["", *(f"On {trial}" for trial in self.trials), str(self.proof)]
        if self.lost:
            lines += ["", "Left out:", *(f"  {remark}" for remark in self.lost)]
        return "\n".join(lines)


E = TypeVar("E", bound=type[Exporter])


class Exporters:
    """Exporters by name, each imported when it is first looked at."""

    def __init__(self, announced: Mapping[str, str]) -> None:
        self._announced = dict(announced)
        self._found: dict[str, type[Exporter]] = {}

    def add(self, made: type[Exporter]) -> None:
        """Enter one; see `exporter`."""
        taken = self._found.get(made.name)
        if made.name in self._announced or (taken is not None and taken.__qualname__ != made.__qualname__):
            raise RegistrationError(
                "SP008",
                where=f"exporter {made.name!r}",
                expected="a name that is free",
                got="one that is taken",
                cause="there is an exporter of this name",
                fix="choose another name",
            )
        self._found[made.name] = made

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted({*self._announced, *self._found})

    def get(self, name: str) -> type[Exporter]:
        """The exporter of this name.

        Raises:
            InteropError: IO013, if there is none.
        """
        if name not in self._found and name in self._announced:
            module, _, word = self._announced[name].partition(":")
            self._found[name] = getattr(importlib.import_module(module), word)
        if name not in self._found:
            near = nearest(name, self.names())
            raise InteropError(
                "IO013",
                where=f"the format {name!r}",
                expected=f"one of {', '.join(self.names())}",
                got=repr(name),
                cause="a typo" if near else "nothing writes such files",
                fix=f"did you mean {near!r}?" if near else "export to onnx, which most systems read",
            )
        return self._found[name]

    def of_path(self, path: Path) -> type[Exporter]:
        """The exporter that writes files whose names end like this one.

        Raises:
            InteropError: IO013, if none does.
        """
        found = [made for made in map(self.get, self.names()) if path.name.endswith(made.suffixes)]
        if found:
            return found[0]
        known = [f"{suffix} ({made.name})" for made in map(self.get, self.names()) for suffix in made.suffixes]
        raise InteropError(
            "IO013",
            where=str(path),
            expected=f"a name that ends in {', '.join(known)}",
            got=path.suffix or "none of them",
            cause="the format is taken from the ending of the path, unless it is said",
            fix=f"name the file so, or say the format: --to {' | '.join(self.names())}",
        )

    def make(self, to: str | None, path: Path, settings: Mapping[str, Any]) -> Exporter:
        """The exporter for a path, with its settings.

        Raises:
            InteropError: IO013; IO060, with every setting that it hasn't got, or not of this kind.
        """
        kind = self.of_path(path) if to is None else self.get(to)
        problems = list(_unfit(kind, settings))
        if problems:
            raise InteropError.of(problems)
        return kind(**settings)


exporters = Exporters(
    {
        "keras": "lamina.interop.keras.export.exporter:KerasExporter",
        "onnx": "lamina.interop.exporters.onnx:OnnxExporter",
        "python": "lamina.interop.exporters.python:PythonExporter",
        "safetensors": "lamina.interop.exporters.safetensors:SafetensorsExporter",
        "torch": "lamina.interop.exporters.torch:TorchExporter",
    }
)
"""All exporters."""


def exporter(kind: E) -> E:
    """Class decorator: enter an exporter of one's own.

    Raises:
        RegistrationError: SP008, if its name is taken.
    """
    exporters.add(kind)
    return kind


def export(model: Model, path: str | os.PathLike[str], to: str | None = None, *, verify: bool = True, **settings: Any) -> Exported:
    """Write a model as a file of another system; print what it gives.

    Everything is written beside the path under another name, run on inputs of two batch sizes (and two lengths, where lengths are
    free), compared with what the model gives, and only then moved to where it shall be.

    Args:
        model: The model.
        path: Where to.
        to: Format: ``onnx``, ``torch``, ``python``, ``keras``, ``safetensors``; by default what the path's ending says.
        verify: Compare outputs first; needs what runs such files.
        **settings: Of the exporter, such as ``opset=18``.

    Raises:
        InteropError: IO004, with every layer and setting that has no counterpart there; IO013 for an unknown format; IO060 for an
            unknown setting; IO062 if it can't be written.
        ProofError: IO061, if the outputs differ by more than 1e-4 relative; nothing is written.
        DependencyError: IO063, if a package that is needed isn't installed.
    """
    target = Path(path)
    made = exporters.make(to, target, settings)
    subject = subject_of(model)
    problems = made.check(subject, target)
    if problems:
        raise InteropError.of(problems)
    return _placed(made, subject, target, verify=verify)


def subject_of(model: Model) -> Subject:
    """A model, seen to be one that can be exported.

    Raises:
        InteropError: IO004, for an own module.
        ShapeError: NN007, if the shape of an input isn't known yet.
    """
    from lamina.engine.network import NetworkModule

    network = model.network
    if model.plan is None or not isinstance(network, NetworkModule):
        raise InteropError(
            "IO004",
            where=f"the network {type(network).__name__}",
            expected="a network of described layers",
            got="an own torch.nn.Module",
            cause="only its code says what it computes",
            fix="export the module itself: torch.onnx.export or torch.export; or describe its layers in a lm.Sequential or lm.Graph",
        )
    network.eval()
    return Subject(model, model.plan, network)


def needs(package: str, *, extra: str, for_: str) -> Any:
    """A package of an extra, imported.

    Args:
        package: Its name.
        extra: Of Lamina.
        for_: What needs it, for the message.

    Raises:
        DependencyError: IO063, if it isn't installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise DependencyError(
            "IO063",
            where=for_,
            expected=f"the package {package.partition('.')[0]}",
            got=str(error),
            cause="it is an optional part",
            fix=f"pip install 'lamina[{extra}]'",
        ) from error


def _placed(made: Exporter, subject: Subject, target: Path, *, verify: bool) -> Exported:
    """Write in a folder of its own, prove, move."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=TEMPORARY, dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        written = made.write(subject, folder / target.name)
        proof, trials = _proven(made, subject, folder / target.name, target) if verify else (None, ())
        others = sorted(file for file in folder.iterdir() if file.name != target.name and not file.name.startswith((".", "__")))
        _move([*others, folder / target.name], target.parent)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    files = (target, *(target.parent / file.name for file in others))
    return Exported(made.name, files, proof, trials, written.lost, written.facts)


def _proven(made: Exporter, subject: Subject, path: Path, target: Path) -> tuple[Proof, tuple[str, ...]]:
    from lamina.interop.trials import compared, trials

    found = trials(subject.network, subject.plan, masks=made.masked_inputs(subject))
    proof = compared(list(zip(found, made.prove_all(subject, path, found), strict=True)), target, made.title)
    return proof, tuple(str(trial) for trial in found)


def _move(files: list[Path], folder: Path) -> None:
    """The file that was asked for comes last: it is there only when all that it needs is."""
    for file in files:
        with file.open("rb+") as opened:
            os.fsync(opened.fileno())
    for file in files:
        file.replace(folder / file.name)
    sync_folder(folder)


def _unfit(kind: type[Exporter], settings: Mapping[str, Any]) -> Iterator[Problem]:
    known = {field.name: field for field in dataclasses.fields(kind)}
    for name, value in settings.items():
        field = known.get(name)
        if field is not None and (type(value) is type(field.default) or (value is None and field.default is None)):
            continue
        near = None if field is not None else nearest(name, known)
        shown = ", ".join(f"{key} ({type(item.default).__name__}, by default {item.default})" for key, item in known.items())
        yield Problem(
            code="IO060",
            where=f"the setting {name!r} of an export to {kind.name}",
            expected=shown or "no settings",
            got=f"{value!r}",
            cause="it has no such setting" if field is None else f"it is a {type(value).__name__}",
            fix=f"did you mean {near!r}?" if near else "leave it out" if field is None else f"write a {type(field.default).__name__}",
        )


def _unwritable(target: Path, error: OSError) -> InteropError:
    return InteropError(
        "IO062",
        where=str(target),
        expected="a file that can be written",
        got=error.strerror or str(error),
        cause="the folder isn't there or can't be written to, or the disk is full",
        fix="make the folder, or choose another place; what was there before is untouched",
    )
