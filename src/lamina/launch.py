"""``lamina train`` and `lamina.train_recipe`: a recipe from data to a judged model in a run directory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lamina.data.config import prepare
from lamina.errors import DataError
from lamina.model import Model
from lamina.start import start
from lamina.train.fit import keep_model
from lamina.train.recipe import Recipe, place_error
from lamina.train.run import RunDirectory
from lamina.train.session import Feed, Run, Session

if TYPE_CHECKING:
    from lamina.data.config import Prepared
    from lamina.spec import Document


def train_recipe(
    recipe: Recipe,
    *,
    run_dir: str | os.PathLike[str] | None = None,
    name: str = "run",
    resume: bool = False,
    document: Document | None = None,
) -> Run:
    """Train by a recipe, judge on the test part, keep everything in a run directory.

    Args:
        recipe: The recipe; checked again, so that nothing is written if it is wrong.
        run_dir: Where to keep everything; a new ``runs/NAME`` by default.
        name: For the default run directory.
        resume: Go on from the last good checkpoint in the run directory.
        document: The file the recipe was read from, so that problems carry line and column.

    Returns:
        The model, its history and its judgement.

    Raises:
        LaminaError: If the recipe or the data are wrong; then nothing was written.
    """
    model, prepared = untrained(recipe, document)
    session = _session(recipe, model, prepared)
    trainer = session.prepare()
    directory = RunDirectory.open(run_dir, name=name, resume=resume)
    with directory.locked():
        session.enter(trainer, directory, resume=resume)
        directory.write_recipe(recipe.to_yaml(full=True))
        directory.write_environment(seed=recipe.seed, device=str(trainer.device))
        run = session.run(trainer)
        if run.interrupted is None:
            if prepared.test is not None:
                run.report = session.evaluator(full=True).run(model.network, prepared.test).report
                directory.write_evaluation(run.report, title=f"{name}: test part")
            keep_model(model, directory)
    return run


def untrained(recipe: Recipe, document: Document | None = None) -> tuple[Model, Prepared]:
    """The model of a recipe as it starts, and its data in parts.

    Raises:
        LaminaError: If the recipe or the data are wrong.
    """
    recipe.check(document)
    model = Model(recipe.network, seed=recipe.seed, dtype="float64" if recipe.train.precision == "float64" else "float32")
    try:
        prepared = prepare(recipe.data, recipe.seed, dtype=model.dtype)
        model.take_schema(prepared.schema)
        model.preprocessing = prepared.preprocessing
        model.check_data(*prepared.parts.values())
    except DataError as error:
        raise place_error(error, document, ("data", "source")) from error
    if recipe.transfer is not None:
        start(model, recipe.transfer.named_model(), recipe.transfer)
    return model, prepared


def _session(recipe: Recipe, model: Model, prepared: Prepared) -> Session:
    feed = Feed(**{name: getattr(recipe.data, name) for name in Feed.model_fields})
    return Session(model, recipe.train, prepared.train, prepared.validation, recipe.evaluate, feed, kept=True)
