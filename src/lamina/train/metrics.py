"""Which output is judged against which target, by what, and what the figures are called; all known before the first step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamina.errors import DataError, DescriptionError, Problem, nearest
from lamina.network.layers.layer import last_axis
from lamina.spec import format_path, parse_path

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.data.schema import DataSchema, Target, TargetKind
    from lamina.evaluate.evaluation import Evaluation
    from lamina.network.losses import Loss
    from lamina.network.plan import Plan
    from lamina.spec import Document


def pair_outputs(outputs: Sequence[str], schema: DataSchema) -> dict[str, str]:
    """The target of each output: the one of the same name, or the only one for the only output.

    Args:
        outputs: Names of the network's outputs.
        schema: What the data hold.

    Raises:
        DescriptionError: TR053, if an output has no target.
    """
    targets = list(schema.targets)
    if len(outputs) == 1 and len(targets) == 1:
        return {outputs[0]: targets[0]}
    if not targets:
        raise DescriptionError(
            "TR053",
            where=f"network output {outputs[0]!r}",
            expected="a target: what would be right for every sample",
            got="data with inputs alone",
            cause="the targets were not given, or no column is one",
            fix="give them: fit(x, y), evaluate(x, y); of a frame, target='column'; in a recipe, target: column of the csv source",
        )
    missing = [name for name in outputs if name not in targets]
    if missing:
        near = nearest(missing[0], targets)
        raise DescriptionError(
            "TR053",
            where=f"network output {missing[0]!r}",
            expected=f"a target of the same name among {', '.join(targets) or '(the data have none)'}",
            got="none",
            cause="outputs and targets are matched by name when there are several",
            fix=f"call the layer {near!r}, or the target {missing[0]!r}" if near else "give the data a target for every output",
        )
    return {name: name for name in outputs}


def check_targets(plan: Plan, schema: DataSchema, document: Document | None = None) -> None:
    """See that every output is as wide as its labels ask for.

    Args:
        plan: The network.
        schema: What the data hold.
        document: Gives line and column.

    Raises:
        DescriptionError: TR053 for outputs without a target, TR054 for the wrong number of units, TR056 for a loss that can't judge
            such a target; all of them at once.
    """
    problems = []
    for output, name in pair_outputs(plan.outputs, schema).items():
        target, node = schema.targets[name], plan.node(output)
        wanted, given = target.width, last_axis(node.output_shape)
        loss = getattr(node.layer, "loss", None)
        if loss is not None and loss.target in _NO_UNITS:
            continue
        # Some losses read several units as one value (a mixture), or one unit as two classes.
        taken = given if loss is None or target.kind == "classes" else loss.target_width(given)
        binary = target.kind == "classes" and wanted == 2 and given == 1
        where = f"network.{format_path(node.path)} {node.name!r} ({node.layer.type_name})"
        better = None if loss is None else _better_loss(loss, target, given)
        if loss is not None and better is not None:
            problems.append(
                Problem(
                    code="TR056",
                    where=where,
                    expected=f"a loss for {_KINDS[target.kind]}, such as {better}",
                    got=f"loss {loss.type_name}",
                    cause=f"{loss.type_name} compares the output with {_JUDGED[loss.target]}",
                    fix=f"write loss: {better}" + (f"; or, {_AS_NUMBERS}" if _may_be_numbers(loss, target) else ""),
                    source=None if document is None else document.source(("network", *node.path, "loss")),
                )
            )
        if wanted is not None and taken != wanted and not binary:
            labels = f" ({', '.join(map(str, target.labels[:6]))}{', ...' if len(target.labels) > 6 else ''})" if target.labels else ""
            problems.append(
                Problem(
                    code="TR054",
                    where=where,
                    expected=f"{wanted} units, one for each of the {_noun(target)} of the data{labels}",
                    got=f"{given}",
                    cause=f"{loss.type_name} is for numbers, and the target was taken for classes"
                    if loss is not None and _may_be_numbers(loss, target)
                    else "the output layer does not match the labels",
                    fix=f"{_AS_NUMBERS}; or, to tell classes apart, write units: {wanted} and loss: cross_entropy"
                    if loss is not None and _may_be_numbers(loss, target)
                    else f"write units: {wanted}",
                    source=None if document is None else document.source(("network", *node.path, "units")),
                )
            )
    if problems:
        raise DescriptionError.of(problems)


@dataclass(frozen=True)
class Judged:
    """One evaluation of one output.

    Attributes:
        key: What its result is called in a report: ``classification``, or ``output/classification`` with several outputs.
        output: The output.
        target: The target it is compared with.
        evaluation: How.
    """

    key: str
    output: str
    target: str
    evaluation: Evaluation


class MetricNames:
    """Names of all figures of an evaluation, before there are any.

    Args:
        pairs: Target by output, see `pair_outputs`.
        schema: What the targets are.
        evaluations: How to judge; each goes to every output whose kind it judges. Empty: what fits each target.
        scores: Outputs that give plain scores instead of probabilities, see `plain_scores`.
        judges: What suits the outputs whose loss says so, see `own_judges`.
        full: Where nothing is chosen, judge by everything that fits, with ROC and calibration.

    Raises:
        DescriptionError: TR052, if an evaluation fits none of the targets.
    """

    def __init__(
        self,
        pairs: Mapping[str, str],
        schema: DataSchema,
        evaluations: Iterable[Evaluation] = (),
        *,
        scores: Mapping[str, float | None] | None = None,
        judges: Mapping[str, str] | None = None,
        full: bool = False,
    ) -> None:
        from lamina.evaluate.suite import named_evaluations

        self.pairs = dict(pairs)
        self.schema = schema
        self.judged: list[Judged] = []
        chosen = tuple(evaluations)
        kinds = {output: schema.targets[target].kind for output, target in self.pairs.items()}
        for evaluation in chosen:
            if not set(evaluation.judges) & set(kinds.values()):
                raise _judges_nothing(evaluation, list(kinds.values()))
        for output, target in self.pairs.items():
            own = (judges or {}).get(output)
            suited = _suited(kinds[output], output, scores or {}, full=full) if own is None else _by_type(own)
            fitting = [e for e in chosen if kinds[output] in e.judges] if chosen else suited
            prefix = f"{output}/" if len(self.pairs) > 1 else ""
            self.judged += [Judged(prefix + name, output, target, e) for name, e in named_evaluations(fitting).items()]

    def all(self) -> list[str]:
        """All names, in the order in which they are shown."""
        return [full for names in self._names().values() for full in names.values()]

    def better(self, metric: str) -> str:
        """``max`` or ``min``."""
        names = self._names()
        for judged in self.judged:
            for own, full in names[judged.key].items():
                if full == metric:
                    return judged.evaluation.better(own)
        return "min"

    def target(self, output: str) -> Target:
        """What an output is compared with."""
        return self.schema.targets[self.pairs[output]]

    def _names(self) -> dict[str, dict[str, str]]:
        """For each result, the full name of each of its figures; a report calls them by the same rule."""
        from lamina.evaluate.result import full_names

        return full_names({judged.key: self._own(judged) for judged in self.judged})

    def _own(self, judged: Judged) -> list[str]:
        target = self.target(judged.output)
        return judged.evaluation.metric_names(target, width=target.width)


_NO_UNITS = ("groups", "sequences")
"""Kinds of targets whose labels are no units of the output."""
_KINDS = {"classes": "one class of several", "multilabel": "labels that don't exclude each other", "numbers": "numbers"}
_JUDGED = {
    "classes": "one class of several",
    "same": "a number for each unit",
    "binary": "0 or 1 for each unit",
    "signs": "one of two classes for each unit",
}


_AS_NUMBERS = "to predict numbers, write kind: numbers in the source (in Python: kind='numbers')"


def _may_be_numbers(loss: Loss, target: Target) -> bool:
    """Whether classes may be numbers that somebody wants to predict: a column of few whole numbers is taken for classes."""
    return loss.target == "same" and target.kind == "classes"


def _better_loss(loss: Loss, target: Target, units: int) -> str | None:
    """A loss that can judge the target, if this one can't."""
    if loss.target == "classes":
        # Several numbers may be the share of each class.
        alone = target.kind == "numbers" and target.width == 1
        return "mse" if alone else "binary_cross_entropy" if target.kind == "multilabel" else None
    return "cross_entropy" if target.kind == "classes" and loss.target_width(units) > 1 else None


def check_monitors(monitors: Mapping[str, Mapping[str, str]], known: Sequence[str], document: Document | None = None) -> None:
    """See that every metric that something waits for will be there.

    Args:
        monitors: By the path of a callback: the settings that name metrics, and the metrics.
        known: All metrics that will be observed.
        document: Gives line and column.

    Raises:
        DescriptionError: TR055, for all unknown ones at once.
    """
    problems = []
    for path, settings in monitors.items():
        for setting, metric in settings.items():
            if metric not in known:
                where = f"{path}.{setting}" if path else setting
                # Without a validation part, training's loss is no typo for that of validation.
                part = f"{metric.partition('/')[0]}/"
                near = nearest(metric, known) if any(name.startswith(part) for name in known) or part != "validation/" else None
                hint = "use one of the metrics above; data.split.validation makes validation/..."
                problems.append(
                    Problem(
                        code="TR055",
                        where=where,
                        expected=f"one of {', '.join(known)}",
                        got=repr(metric),
                        cause="a typo" if near else "nothing in this run computes it",
                        fix=f"did you mean {near!r}?" if near else hint,
                        source=None if document is None else document.source(parse_path(where)),
                    )
                )
    if problems:
        raise DescriptionError.of(problems)


def plain_scores(plan: Plan | None) -> dict[str, float | None]:
    """Outputs whose activation gives scores, not probabilities (of a hinge loss, say), with where the second of two classes starts.

    Args:
        plan: The network; of an own module (None) nothing is known, and probabilities are expected.
    """
    found: dict[str, float | None] = {}
    for name in plan.outputs if plan is not None else ():
        activation = getattr(plan.node(name).layer, "effective_activation", None) if plan is not None else None
        if plan is not None and activation is not None and not activation.gives_probabilities:
            found[name] = 0.0 if last_axis(plan.node(name).output_shape) == 1 else None
    return found


def own_judges(plan: Plan | None) -> dict[str, str]:
    """Outputs that no usual evaluation can compare with their targets, and the type of the one that can; ``none`` if none can.

    Args:
        plan: The network; of an own module (None) nothing is known.
    """
    found: dict[str, str] = {}
    for name in plan.outputs if plan is not None else ():
        node = plan.node(name)  # type: ignore[union-attr]
        loss = getattr(node.layer, "loss", None)
        if loss is None:
            continue
        units = last_axis(node.output_shape)
        # What a mixture or several quantiles give is wider than the target they are about.
        apart = loss.target == "same" and loss.target_width(units) != units
        if loss.judged_by or apart:
            found[name] = loss.judged_by or "none"
    return found


def _by_type(kind: str) -> Sequence[Evaluation]:
    return () if kind == "none" else evaluations(kind)


def _suited(kind: TargetKind, output: str, scores: Mapping[str, float | None], *, full: bool) -> Sequence[Evaluation]:
    from lamina.evaluate import Classification, default_evaluation, default_report

    if kind == "classes" and output in scores:
        return (Classification(probabilities=False, threshold=scores[output]),)
    return default_report(kind) if full else (default_evaluation(kind),)


def _noun(target: Target) -> str:
    return {"classes": "classes", "multilabel": "labels"}.get(target.kind, "columns")


def _judges_nothing(evaluation: Evaluation, kinds: Sequence[TargetKind]) -> DescriptionError:
    return DescriptionError(
        "TR052",
        where=f"evaluate, {evaluation.type_name}",
        expected=f"a target of kind {' or '.join(evaluation.judges)}",
        got=f"targets of kind {', '.join(sorted(set(kinds)))}",
        cause="the evaluation was made for another kind of task",
        fix=f"write evaluate: {{type: {_suited(kinds[0], '', {}, full=False)[0].type_name}}}, or leave the section out",
    )


def evaluations(given: Evaluation | str | Sequence[Evaluation | str]) -> tuple[Evaluation, ...]:
    """One evaluation or several, as descriptions or by their bare type.

    Raises:
        DescriptionError: SP003, if there is no such type.
    """
    from lamina.evaluate import Evaluation
    from lamina.spec import Document

    items = [given] if isinstance(given, str | Evaluation) else list(given)
    return tuple(e if isinstance(e, Evaluation) else Evaluation.from_document(Document(e, "evaluation")) for e in items)


def check_dataset(plan: Plan | None, outputs: Sequence[str], dataset: Dataset) -> None:
    """See that the loss of each output can judge every target there is.

    Args:
        plan: The network; of an own module (None) nothing is known but that it needs answers.
        outputs: Names of its outputs.
        dataset: The data.

    Raises:
        LaminaError: For shapes that don't fit; EN033 to EN035 for targets, naming the first wrong sample.
    """
    from lamina.data.lazy import LazyArray
    from lamina.engine.losses import check_targets as check_values
    from lamina.network.masking import check_masks

    check_answers(outputs, dataset)
    if plan is None:
        return
    dataset.schema.check_inputs(plan.inputs)
    masked = dataset.input_masks
    check_masks(plan, plan.inputs if len(plan.inputs) == len(masked) == 1 else masked)
    for output, name in pair_outputs(outputs, dataset.schema).items():
        node = plan.node(output)
        loss = getattr(node.layer, "loss", None)
        if loss is not None:
            count = target.width if (target := dataset.schema.targets[name]).kind == "classes" else None
            given = dataset.targets[name]
            # Of what is still to be made the first samples show the shape.
            check_values(loss, node.output_shape, given[:64] if isinstance(given, LazyArray) else given, output, classes=count)


def check_answers(outputs: Sequence[str], dataset: Dataset) -> None:
    """See that the data hold a target for each output.

    Raises:
        DataError: TR053.
    """
    missing = [name for name in pair_outputs(outputs, dataset.schema).values() if name not in dataset.targets]
    if missing:
        raise DataError(
            "TR053",
            where=f"the data, target {missing[0]!r}",
            expected="what would be right for every sample",
            got="inputs alone",
            cause="the targets were not given",
            fix="give them beside the inputs: fit(x, y), evaluate(x, y); without any, use predict(x)",
        )


def check_size(batch_size: int) -> None:
    """See that samples are taken at least one at a time.

    Raises:
        DataError: SP004.
    """
    if batch_size < 1:
        raise DataError(
            "SP004",
            where="batch_size",
            expected="at least 1",
            got=str(batch_size),
            cause="no samples at once give no result",
            fix="leave batch_size out; results don't depend on it",
        )


def fill_labels(plan: Plan | None, data: Any, targets: Any) -> tuple[Any, Any]:
    """Data and targets apart, with lists of labels without places (of ``ctc``) filled up as the loss of the only output wants it."""
    from lamina.data.ragged import is_ragged, pad_labels

    loss = getattr(plan.node(plan.outputs[0]).layer, "loss", None) if plan is not None and len(plan.outputs) == 1 else None
    if loss is None or loss.target != "sequences":
        return data, targets
    if isinstance(data, tuple) and len(data) == 2 and targets is None:
        data, targets = data
    return data, pad_labels(targets, "the targets", loss.padding) if is_ragged(targets) else targets


def expected_kind(plan: Plan | None) -> TargetKind | None:
    """What the loss of the only output takes its targets for."""
    if plan is None or len(plan.outputs) != 1:
        return None
    node = plan.node(plan.outputs[0])
    loss = getattr(node.layer, "loss", None)
    if loss is None or loss.target == "signs":
        return None
    several = last_axis(node.output_shape) > 1
    kinds: dict[str, TargetKind] = {
        "classes": "classes",
        "groups": "classes",
        "same": "numbers",
        "sequences": "numbers",
        "binary": "multilabel" if several else "classes",
    }
    return kinds[loss.target]
