"""``lamina train`` and `lamina.train_recipe`: from a recipe to a judged model that is kept; and what each of several processes does."""

from __future__ import annotations

import os
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.data.config import prepare
from lamina.distribute.cluster import Cluster, Local, threads_for
from lamina.distribute.handover import check_known, read_dataset
from lamina.distribute.job import Job, Place
from lamina.distribute.launcher import Launched, placed
from lamina.distribute.packing import pack, unpack
from lamina.distribute.reports import of_rank
from lamina.distribute.supervise import Supervisor
from lamina.distribute.world import ALONE, World
from lamina.errors import DataError, LaminaError
from lamina.evaluate.evaluation import Evaluation
from lamina.keep import save_model
from lamina.model import Model, load
from lamina.start import start
from lamina.train.config import TrainConfig
from lamina.train.evaluator import Judgement
from lamina.train.fit import keep_model
from lamina.train.going_on import forget, take_state
from lamina.train.handed import local_only, read_result, write_result
from lamina.train.metrics import MetricNames, evaluations, own_judges, pair_outputs, plain_scores
from lamina.train.recipe import Recipe, load_recipe, place_error
from lamina.train.run import RunDirectory
from lamina.train.session import Feed, Run, Session
from lamina.train.spreading import check_same
from lamina.train.together import judge_together

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
    world: World | None = None,
) -> Run:
    """Train by a recipe, judge on the test part, keep everything in a run directory.

    Args:
        recipe: The recipe; checked again, so that nothing is written if it is wrong.
        run_dir: Where to keep everything; a new ``runs/NAME`` by default.
        name: For the default run directory.
        resume: Go on from the last good checkpoint in the run directory.
        document: The file the recipe was read from, so that problems carry line and column.
        world: The processes that train together, each of which calls this; None: those of the recipe's cluster are started, if it
            names one.

    Returns:
        The model, its history and its judgement.

    Raises:
        LaminaError: If the recipe or the data are wrong; then nothing was written.
    """
    if world is None and recipe.train.cluster is not None:
        recipe.check(document)
        return _started(recipe, recipe.train.cluster, run_dir=run_dir, name=name, resume=resume)
    world = world or ALONE
    model, prepared = untrained(recipe, document)
    session = _session(recipe, model, prepared, world)
    trainer = session.prepare()
    check_same(world, trainer, prepared.train)
    directory = _directory(world, run_dir, name, resume=resume)
    with directory.locked() if world.leads else nullcontext():
        trainer = session.enter(trainer, directory, resume=resume)
        if world.leads:
            directory.write_recipe(recipe.to_yaml(full=True))
            directory.write_environment(seed=recipe.seed, device=str(trainer.device), workers=world.count)
        run = session.run(trainer)
        if run.interrupted is None:
            if prepared.test is not None:
                judged = judge_together(session.evaluator(full=True), model.network, prepared.test, world)
                run.judged, run.report = judged, judged.report
            if world.leads:
                if run.report is not None:
                    directory.write_evaluation(run.report, title=f"{name}: test part")
                keep_model(model, directory)
    return run


def run_started(job: Job, place: Place, world: World, attempt: int) -> None:
    """Do one process's part of a training by a recipe; the first leaves what came of it.

    Args:
        job: What is to be done.
        place: Its files.
        world: The processes.
        attempt: How often they were started before.
    """
    recipe, _ = load_recipe(place.recipe)
    recipe = recipe.replace(train=recipe.train.replace(threads=job.threads, device=job.device))
    resume = job.resume or attempt > 0
    run = train_recipe(recipe, run_dir=job.run_dir, name=job.settings["name"], resume=resume, world=world)
    if world.leads:
        write_result(place, run)
        if run.judged is not None:
            place.judged.write_bytes(pack(run.judged.state_dict()))


def train_launched(
    recipe: Recipe, launched: Launched, *, run_dir: str | os.PathLike[str] | None, name: str, resume: bool, document: Document | None
) -> Run:
    """Train by a recipe in a process that a launcher has started, together with the others that it has; see `train_recipe`.

    Raises:
        LaminaError: With the number of this process, if something is wrong here.
    """
    train = recipe.train
    try:
        device = placed(train.device, launched.local_rank, launched.local_count)
        timeout = train.cluster.timeout if isinstance(train.cluster, Local) else Local().timeout
        world = launched.join(timeout=timeout, cuda=device.startswith("cuda"))
        own = train.replace(device=device, threads=train.threads or threads_for(launched.local_count), cluster=None)
        again = resume or launched.attempt > 0
        run = train_recipe(recipe.replace(train=own), run_dir=run_dir, name=name, resume=again, document=document, world=world)
    except LaminaError as error:
        raise of_rank(error, launched.rank) from error
    world.close()
    return run


def run_handed(job: Job, place: Place, world: World, attempt: int) -> None:
    """Do one process's part of a fit; the first leaves what came of it.

    Args:
        job: What is to be done.
        place: Its files.
        world: The processes.
        attempt: How often they were started before.
    """
    model = load(place.model)
    config = TrainConfig.from_dict({**job.settings["config"], "threads": job.threads, "device": job.device})
    validation = read_dataset(place.validation) if job.settings["validated"] else None
    feed = Feed.from_dict(job.settings["feed"])
    judges = evaluations([Evaluation.from_dict(one) for one in job.settings["evaluations"]])
    kept = job.run_dir is not None
    session = Session(model, config, read_dataset(place.train), validation, judges, feed, kept=kept, world=world)
    trainer = session.prepare()
    check_same(world, trainer, session.train)
    if job.settings["go_on"]:
        take_state(model, trainer)
    if job.run_dir is None:
        run = session.run(trainer)
    else:
        directory = RunDirectory(job.run_dir)
        with directory.locked() if world.leads else nullcontext():
            trainer = session.enter(trainer, directory, resume=job.resume or attempt > 0)
            if world.leads:
                directory.write_environment(seed=model.seed, device=str(trainer.device), workers=world.count)
            run = session.run(trainer)
            if run.interrupted is None and world.leads:
                forget(model)
                keep_model(model, directory)
    if world.leads:
        save_model(model, place.trained, own_modules=True)
        write_result(place, run)


def _started(recipe: Recipe, cluster: Cluster, *, run_dir: str | os.PathLike[str] | None, name: str, resume: bool) -> Run:
    """Start the processes of a cluster, watch over them, and read what came of it."""
    local = local_only(cluster)
    own = recipe.replace(train=recipe.train.replace(cluster=None))
    check_known(("recipe", own))
    directory = RunDirectory.open(run_dir, name=name, resume=resume)
    with tempfile.TemporaryDirectory(prefix="lamina-", ignore_cleanup_errors=True) as folder:
        place = Place(Path(folder))
        place.recipe.write_text(own.to_yaml(full=True), encoding="utf-8")
        threads = recipe.train.threads or threads_for(local.workers)
        path = str(directory.path.resolve())
        Job("recipe", local.workers, local.timeout, threads, recipe.train.device, path, resume, {"name": name}).write(place.folder)
        stopped = Supervisor(place, local.workers, threads=threads, restarts=local.restarts).run()
        if stopped is not None or not directory.model.is_file():
            run = read_result(place, untrained_model(recipe), directory)
            run.interrupted = run.interrupted if run.interrupted is not None else stopped
            return run
        run = read_result(place, load(directory.model), directory)
        if place.judged.is_file():
            run.judged = _judgement(run.model, recipe).load_state_dict(unpack(place.judged.read_bytes()))
            run.report = run.judged.report
        return run


def _judgement(model: Model, recipe: Recipe) -> Judgement:
    schema = model.schema
    if schema is None:
        message = "a trained model knows its data"
        raise ValueError(message)
    pairs = pair_outputs(model.network.outputs, schema)
    plan = model.plan
    names = MetricNames(pairs, schema, recipe.evaluate, scores=plain_scores(plan), judges=own_judges(plan), full=True)
    return Judgement.start(names)


def _directory(world: World, run_dir: str | os.PathLike[str] | None, name: str, *, resume: bool) -> RunDirectory:
    """The run directory, opened by the first process, known to all."""
    if world.alone:
        return RunDirectory.open(run_dir, name=name, resume=resume)
    path = str(RunDirectory.open(run_dir, name=name, resume=resume).path) if world.leads else None
    return RunDirectory(world.share(path))


def untrained_model(recipe: Recipe) -> Model:
    """The model of a recipe as it starts, without its data."""
    return Model(recipe.network, seed=recipe.seed, dtype="float64" if recipe.train.precision == "float64" else "float32")


def untrained(recipe: Recipe, document: Document | None = None) -> tuple[Model, Prepared]:
    """The model of a recipe as it starts, and its data in parts.

    Raises:
        LaminaError: If the recipe or the data are wrong.
    """
    recipe.check(document)
    model = untrained_model(recipe)
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


def _session(recipe: Recipe, model: Model, prepared: Prepared, world: World) -> Session:
    feed = Feed(**{name: getattr(recipe.data, name) for name in Feed.model_fields})
    return Session(model, recipe.train, prepared.train, prepared.validation, recipe.evaluate, feed, kept=True, world=world)
