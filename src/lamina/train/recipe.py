"""A recipe: data, network, training and evaluation in one file; checked whole before anything runs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from lamina.data.config import DataConfig
from lamina.data.schema import DataSchema
from lamina.errors import DescriptionError, LaminaError, Problem
from lamina.evaluate.evaluation import Evaluation
from lamina.network import Network
from lamina.network.checks import run_checks
from lamina.network.inference import resolve
from lamina.network.plan import Plan
from lamina.spec import Description, Document, load_document
from lamina.train.config import TrainConfig
from lamina.train.metrics import check_monitors, pair_outputs


def _several(value: Any) -> Any:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


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


class Recipe(Description):
    """Everything that ``lamina train`` needs.

    Attributes:
        seed: Where all randomness comes from.
        data: Where samples come from, how they are split, scaled and batched.
        network: The layers. Without an input shape, the data's is taken.
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

    seed: int = 0
    data: DataConfig
    network: Network
    train: TrainConfig = TrainConfig()
    evaluate: Annotated[tuple[Evaluation, ...], BeforeValidator(_several)] = ()

    def check(self, document: Document | None = None) -> Checked:
        """Find out, without torch and without tensors, whether the parts fit together.

        Args:
            document: The file the recipe was read from, so that problems carry line and column.

        Raises:
            LaminaError: With every problem at once: shapes, networks that would run but be wrong, labels that don't match the
                output, metrics that won't exist.
        """
        schema = self.data.schema()
        plan = resolve(self.network, _given_inputs(self.network, schema), document=document)
        problems: list[Problem] = []
        warnings: list[Problem] = []
        for finding in run_checks(plan, self.network.ignore):
            (problems if finding.severity == "error" else warnings).append(_placed(finding.problem, document))
        for check in (lambda: pair_outputs(plan, schema), lambda: check_monitors(self, plan, schema)):
            try:
                check()
            except LaminaError as error:
                problems.extend(_placed(problem, document) for problem in error.problems)
        if problems:
            raise DescriptionError.of(problems)
        return Checked(self, plan, schema, tuple(warnings))


def load_recipe(file: str | os.PathLike[str], sets: Iterable[str] = ()) -> tuple[Recipe, Document]:
    """Read a recipe and apply ``path=value`` changes.

    Paths to data in the recipe are relative to the recipe's folder.

    Raises:
        DescriptionError: With every problem at once, each with file, line and column.
    """
    document = load_document(os.fspath(file))
    for assignment in sets:
        document.set(assignment)
    recipe = Recipe.from_document(document)
    return recipe.replace(data=recipe.data.resolve_paths(Path(file).resolve().parent)), document
