"""Zips of Deeplearning4j into descriptions and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamina.interop.cursor import Cursor
from lamina.interop.dl4j import learning
from lamina.interop.dl4j.blobs import read_array
from lamina.interop.dl4j.convert import convert
from lamina.interop.dl4j.made import Made
from lamina.interop.dl4j.network import Assembled, assemble, layouts, with_rates
from lamina.interop.dl4j.source import Configuration, configuration
from lamina.interop.dl4j.training import steps_of
from lamina.interop.dl4j.weights import cut, state, total
from lamina.interop.documents import parse_json
from lamina.interop.given import Given
from lamina.interop.imported import Imported, Options, check_arrays
from lamina.interop.notes import Notes
from lamina.interop.problems import damaged, misfit
from lamina.interop.report import Report, Row, shown
from lamina.learning.truncation import Truncation
from lamina.origin import Learning, Origin

if TYPE_CHECKING:
    import numpy as np

    from lamina.learning.clipping import Clip

CONFIGURATION, COEFFICIENTS, UPDATER = "configuration.json", "coefficients.bin", "updaterState.bin"
NORMALIZER, NO_PARAMETERS = "normalizer.bin", "noParams.marker"
SEED = 2**63 - 1


def read(given: Given, options: Options) -> Imported:
    """Read a model that ``ModelSerializer`` or ``save`` wrote.

    Raises:
        InteropError: If it is damaged, too large, or its weights are not those of its layers.
    """
    members, where = given.members, str(given.path)
    source = configuration(parse_json(members.read(CONFIGURATION), members.where(CONFIGURATION)), members.where(CONFIGURATION))
    notes = Notes(members.where(CONFIGURATION))
    made = convert(source, notes)
    layers = list(made.values())
    optimizer, clip = _updaters(source, layers, notes)
    found = assemble(source, made, options, notes)
    vector = _vector(given, layers, notes)
    arrays: dict[str, np.ndarray] = {}
    slots: dict[str, np.ndarray] = {}
    if not notes.missing:
        arrays = {} if vector is None else {name: _typed(array) for name, array in cut(layers, vector, members.where(COEFFICIENTS)).items()}
        if found.plan is not None:
            check_arrays(found.plan, arrays, where)
        slots = _slots(given, layers, optimizer, notes)
    made_learning = _learning(source, optimizer, clip, notes)
    if made_learning is None:
        slots = {}
    inputs, gives = layouts(source, made, found, options) if found.network is not None else ({}, {})
    origin = Origin(format="dl4j", system="Deeplearning4j", version=source.version, inputs=inputs, layers=gives, learning=made_learning)
    preprocessing = _normalizer(given, found, notes)
    facts = _facts(source, made_learning, slots, members)
    report = Report("dl4j", "Deeplearning4j", source.version, (where,), _rows(layers), *_remarks(notes), facts)
    return Imported(
        report,
        found.network,
        arrays,
        found.shapes,
        found.open_inputs,
        origin,
        {name: _typed(array) for name, array in slots.items()},
        None,
        preprocessing,
        "float64" if vector is not None and vector.dtype.itemsize == 8 else "float32",
        _seed(source),
    )


def _remarks(notes: Notes) -> tuple[Any, Any, Any]:
    return tuple(notes.missing), tuple(notes.lost), tuple(notes.assumed)


def _vector(given: Given, layers: Sequence[Made], notes: Notes) -> np.ndarray | None:
    members = given.members
    if COEFFICIENTS not in members:
        if NO_PARAMETERS in members or total(layers) == 0:
            return None
        raise damaged(where=members.where(COEFFICIENTS), expected="the weights of the network", got="no such member")
    vector = _array(given, COEFFICIENTS)
    if vector.dtype.kind != "f":
        raise misfit(where=members.where(COEFFICIENTS), expected="numbers with fractions", got=str(vector.dtype))
    if vector.dtype.itemsize == 2:
        notes.assume(COEFFICIENTS, "weights of 16 bits are kept in 32, and computed with in 32")
    return vector


def _array(given: Given, name: str) -> np.ndarray:
    cursor = Cursor(given.members.read(name), given.members.where(name), big=True)
    found = read_array(cursor)
    if cursor.left:
        raise damaged(where=cursor.where, expected="the end", got=f"{cursor.left:,} bytes more")
    return found


def _typed(array: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.ascontiguousarray(array, dtype=np.float64 if array.dtype.itemsize == 8 else np.float32)


def _updaters(source: Configuration, layers: Sequence[Made], notes: Notes) -> tuple[learning.Updater | None, Clip | None]:
    """What trains the network: the first layer's updater, and factors where only the rates of others differ."""
    trained = [one for one in layers if one.piece is not None and any(not part.fixed for part in one.piece.parts)]
    moving = [(one, one.weights) for one in trained if one.weights is not None and one.weights.kind not in ("noop", "none")]
    if not moving:
        return None, None
    first = moving[0][1]
    alike = [pair for pair in moving if pair[1].optimizer is not None and first.optimizer is not None and _alike(pair[1], first)]
    for one, updater in moving:
        if (one, updater) not in alike:
            notes.lose(one.vertex.path, f"an updater of its own, {updater.kind}: training would go on with that of {moving[0][0].name}")
    for one in trained:
        if one.biases is not None and one.weights is not None and one.biases.key != one.weights.key:
            notes.lose(one.vertex.path, "another updater, or another rate, for biases")
    with_rates(layers, {one.name: updater.rate for one, updater in alike}, notes)
    clips = [learning.clip_of(_settings(one), one.vertex.path, notes) for one in trained]
    clip = clips[0] if clips else None
    for one, other in zip(trained, clips, strict=True):
        if other != clip:
            notes.lose(one.vertex.path, "a treatment of large gradients of its own")
    return first, clip


def _settings(one: Made) -> Mapping[str, Any]:
    from lamina.interop.dl4j.convert import _core
    from lamina.interop.dl4j.dialect import component

    found = component(one.vertex.value, one.vertex.path)
    return {} if found is None else _core(found).settings


def _alike(one: learning.Updater, other: learning.Updater) -> bool:
    if one.optimizer is None or other.optimizer is None or one.kind != other.kind:
        return False
    rates = (one.optimizer.learning_rate, other.optimizer.learning_rate)
    plain = all(isinstance(rate, int | float) and rate > 0 for rate in rates)
    return one.optimizer == other.optimizer or (plain and one.optimizer.replace(learning_rate=rates[1]) == other.optimizer)


def _slots(given: Given, layers: Sequence[Made], optimizer: learning.Updater | None, notes: Notes) -> dict[str, np.ndarray]:
    if UPDATER not in given.members or given.members.sizes[UPDATER] == 0:
        return {}
    vector = _array(given, UPDATER)
    if optimizer is None or optimizer.optimizer is None:
        notes.lose(UPDATER, "the state of an updater that has no counterpart")
        return {}
    return state(layers, vector, notes)


def _learning(source: Configuration, updater: learning.Updater | None, clip: Clip | None, notes: Notes) -> Learning | None:
    if updater is None or updater.optimizer is None:
        return None
    settings = source.settings
    truncate = None
    if settings.get("backpropType") == "TruncatedBPTT":
        steps = max(steps_of(settings, "tbpttFwdLength"), 1)
        back = max(steps_of(settings, "tbpttBackLength"), 1)
        truncate = Truncation(steps, backward=back if back < steps else None)
        if back < steps:
            notes.lose("tbpttBackLength", "errors of steps further back than it are dropped there; here the gradient is cut and they count")
    for conf in source.confs:
        if conf.get("miniBatch") is False:
            notes.lose("miniBatch", "gradients that are not divided by the samples of the batch: raise the learning rate")
        if conf.get("minimize") is False:
            notes.lose("minimize", "a score that is maximised")
        word = conf.get("optimizationAlgo", "STOCHASTIC_GRADIENT_DESCENT")
        if word != "STOCHASTIC_GRADIENT_DESCENT":
            notes.lose("optimizationAlgo", f"{word}; lm.optimizers has lbfgs, conjugate_gradient and line_gradient_descent to choose from")
    updates, epochs = source.count("iterationCount"), source.count("epochCount")
    return Learning(optimizer=updater.optimizer, clip=clip, truncate=truncate, updates=max(updates, 0), epochs=max(epochs, 0))


def _normalizer(given: Given, found: Assembled, notes: Notes) -> Any:
    from lamina.interop.dl4j.normalizer import read_normalizer

    members = given.members
    if "preprocessor.bin" in members and NORMALIZER not in members:
        notes.lose(
            "preprocessor.bin", "a normaliser written by Java's serialisation, which is never read: save it with addNormalizerToModel"
        )
    if NORMALIZER not in members:
        return None
    cursor = Cursor(members.read(NORMALIZER), members.where(NORMALIZER), big=True)
    return read_normalizer(cursor, found.shapes, notes)


def _seed(source: Configuration) -> int:
    from lamina.interop.dl4j.dialect import whole

    return next((abs(whole(conf.get("seed"))) % SEED for conf in source.confs if conf.get("seed") is not None), 0)


def _facts(source: Configuration, found: Learning | None, slots: Mapping[str, Any], members: Any) -> dict[str, str]:
    facts = {"Network": "ComputationGraph" if source.graph else "MultiLayerNetwork"}
    if found is not None:
        facts["Trained by"] = f"{shown(found.optimizer)}, {found.updates:,} updates, {found.epochs:,} epochs"
        facts["Its state"] = f"{len(slots):,} arrays" if slots else "not kept in the file"
    if NORMALIZER in members:
        facts["Normaliser"] = "becomes the model's preprocessing"
    return facts


def _rows(layers: Sequence[Made]) -> tuple[Row, ...]:
    rows = []
    for one in layers:
        parts = one.piece.parts if one.piece is not None else ()
        becomes = tuple(f"{name}: {shown(layer)}" for name, layer in zip(one.names, one.layers, strict=True))
        note = one.piece.note if one.piece is not None else ""
        names = one.full.rpartition(".")[2]
        rows.append(Row(one.vertex.path, one.name, names, becomes if one.piece else (), sum(part.size for part in parts), note))
    return tuple(rows)
