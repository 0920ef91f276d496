"""A recipe: data, network, training and evaluation in one file; checked whole before anything runs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ConfigDict

from lamina.data.config import DataConfig
from lamina.data.schema import DataSchema
from lamina.errors import DescriptionError, LaminaError, Problem, ShapeError
from lamina.evaluate.evaluation import Evaluation
from lamina.network import Network
from lamina.network.checks import run_checks
from lamina.network.inference import resolve
from lamina.network.plan import Plan
from lamina.spec import Description, Document, Path, load_document, parse_path
from lamina.spec.fields import several
from lamina.train.class_weights import check_class_weights
from lamina.train.config import TrainConfig
from lamina.train.metrics import MetricNames, check_monitors, check_targets, own_judges, pair_outputs, plain_scores
from lamina.train.pretraining import stages
from lamina.train.spreading import check_spread
from lamina.train.teaching import check_teacher
from lamina.train.ways import check_feed, check_ways, losses_of
from lamina.transfer import Transfer


@dataclass(frozen=True)
class Checked:
    """A recipe found right.

    Attributes:
        recipe: The recipe.
        plan: Its network with all shapes.
        schema: What its data source gives.
        warnings: What looks wrong but runs; each can be switched off by ``network.ignore: [CODE]``.
    """

    recipe: Recipe
    plan: Plan
    schema: DataSchema
    warnings: tuple[Problem, ...]


def _network_or_transfer(schema: dict[str, Any]) -> None:
    """A network may be left out beside ``transfer``, for editors too."""
    schema["required"] = [key for key in schema["required"] if key != "network"]
    schema["anyOf"] = [{"required": ["network"]}, {"required": ["transfer"]}]


class Recipe(Description):
    """Everything that ``lamina train`` needs.

    Attributes:
        seed: Where all randomness comes from.
        data: Where samples come from, how they are split, scaled and batched.
        network: The layers. Without an input shape, the data's is taken. May be left out beside ``transfer``, which then says it.
        transfer: A trained model to start from: what is changed in its network, and whose weights are taken over.
        train: How long, by which rule.
        evaluate: How the result is judged; by default what fits the targets.

    Example:
        >>> recipe = Recipe.from_yaml('''
        ... data: {source: {type: iris}}
        ... network: {type: sequential, layers: [{type: output, units: 3}]}
        ... ''')
        >>> recipe.train.epochs
        10
    """

    model_config = ConfigDict(json_schema_extra=_network_or_transfer)

    seed: int = 0
    data: DataConfig
    network: Network
    transfer: Transfer | None = None
    train: TrainConfig = TrainConfig()
    evaluate: several(Evaluation) = ()  # type: ignore[valid-type]

    def check(self, document: Document | None = None) -> Checked:
        """Find out, without torch and without tensors, whether the parts fit together.

        Args:
            document: The file the recipe was read from, so that problems carry line and column.

        Raises:
            LaminaError: With every problem at once: shapes, networks that would run but be wrong, labels that don't match the
                output, metrics that won't exist.
        """
        try:
            schema = self.data.schema()
        except LaminaError as error:
            raise place_error(error, document, ("data", "source")) from error
        problems: list[Problem] = []
        warnings: list[Problem] = []
        plan: Plan | None = None
        try:
            plan = resolve(self.network, schema.inputs_for(self.network), document=document)
        except ShapeError as error:
            problems += error.problems
        else:
            for found in run_checks(plan, self.network.ignore, training=True):
                placed = _placed(found.problem, ("network", *found.path), document)
                (problems if found.severity == "error" else warnings).append(placed)
            problems += _found_by(lambda: check_targets(plan, schema, document))
            problems += _found_by(lambda: self._check_ways(plan, schema, document))
            problems += _found_by(lambda: self._check_pretraining(plan, document))
        if not any(problem.code == "TR053" for problem in problems):
            problems += _found_by(lambda: self._check_metrics(schema, plan, document))
        if problems or plan is None:
            raise (DescriptionError if plan is not None else ShapeError).of(problems)
        return Checked(self, plan, schema, tuple(warnings))

    def _check_ways(self, plan: Plan, schema: DataSchema, document: Document | None) -> None:
        try:
            if self.train.class_weights is not None:
                check_class_weights(self.train.class_weights, schema)
            check_ways(self.train, losses_of(plan), plan, schema.inputs, shuffle=self.data.shuffle)
            check_feed(self.train, self.data, schema)
            if self.train.cluster is not None:
                check_spread(self.train, losses_of(plan))
        except LaminaError as error:
            raise place_error(error, document, ("train",)) from error
        if self.train.distill is not None:
            try:
                check_teacher(self.train.distill, plan)
            except LaminaError as error:
                raise place_error(error, document, ("train", "distill")) from error

    def _check_pretraining(self, plan: Plan, document: Document | None) -> None:
        if self.train.pretrain is None:
            return
        try:
            stages(plan, self.train.pretrain.layers, self.train.pretrain.optimizer, where="train.pretrain")
        except LaminaError as error:
            raise place_error(error, document, ("train", "pretrain")) from error

    def _check_metrics(self, schema: DataSchema, plan: Plan | None, document: Document | None) -> None:
        try:
            pairs, scores = pair_outputs(self.network.output_names(), schema), plain_scores(plan)
            names = MetricNames(pairs, schema, self.evaluate, scores=scores, judges=own_judges(plan))
        except LaminaError as error:
            raise place_error(error, document, ("evaluate",)) from error
        known = ["train/loss"]
        if self.data.has_validation:
            known += [f"validation/{name}" for name in ("loss", *names.all())]
        callbacks = self.train.all_callbacks()
        for callback in callbacks.values():
            known += callback.start().observes
        check_monitors({path: callback.monitors for path, callback in callbacks.items()}, known, document)


def _found_by(check: Callable[[], object]) -> list[Problem]:
    try:
        check()
    except LaminaError as error:
        return list(error.problems)
    return []


def place_error(error: LaminaError, document: Document | None, default: Path) -> LaminaError:
    """The error with file, line and column for every problem that has none: of the setting it speaks of, else of ``default``."""
    if document is None:
        return error
    found = []
    for problem in error.problems:
        word = re.match(r"(data|network|train|evaluate|transfer)(\.[a-z_]+|\[\d+\])+", problem.where)
        path = parse_path(word[0]) if word else default
        found.append(problem if problem.source else problem.at(document.source(path)))
    return type(error).of(found)


def _placed(problem: Problem, path: Path, document: Document | None) -> Problem:
    return problem if document is None else problem.at(document.source(path))


def load_recipe(file: str | os.PathLike[str], sets: Iterable[str] = ()) -> tuple[Recipe, Document]:
    """Read a recipe and apply ``path=value`` changes.

    Paths to data in the recipe are relative to the recipe's folder.

    Raises:
        DescriptionError: With every problem at once, each with file, line and column.
    """
    document = load_document(os.fspath(file))
    base = FilePath(file).resolve().parent
    # Changes of the network come last: where a trained model says it, it is known only then.
    for assignment in sorted(sets, key=lambda assignment: assignment.startswith("network.")):
        if assignment.startswith("network."):
            _write_network(document, base)
        document.set(assignment)
    _write_network(document, base)
    recipe = Recipe.from_document(document)
    transfer = None if recipe.transfer is None else recipe.transfer.resolve_paths(base)
    train = recipe.train
    if train.distill is not None:
        train = train.replace(distill=train.distill.resolve_paths(base))
    return recipe.replace(data=recipe.data.resolve_paths(base), transfer=transfer, train=train), document


def _write_network(document: Document, base: FilePath) -> None:
    """Put the changed network of ``transfer`` into a recipe that says none."""
    data = document.data
    if not isinstance(data, dict) or "network" in data or data.get("transfer") is None:
        return
    transfer = Transfer.from_document(document, ("transfer",)).resolve_paths(base)
    try:
        data["network"] = transfer.changed_network().to_dict(full=True)
    except LaminaError as error:
        raise place_error(error, document, ("transfer",)) from error
