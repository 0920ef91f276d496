"""`lamina.Model.fit` on several processes: what is handed to them, what each does, and what comes back."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.archive import WEIGHTS, Archive
from lamina.distribute.cluster import Cluster, Local, threads_for
from lamina.distribute.handover import check_known, write_dataset
from lamina.distribute.job import Job, Place
from lamina.distribute.supervise import Supervisor
from lamina.errors import DescriptionError
from lamina.evaluate.evaluation import Evaluation
from lamina.evaluate.result import plain_number
from lamina.keep import save_model
from lamina.spec import Description
from lamina.train.run import RunDirectory
from lamina.train.session import Run, Session

if TYPE_CHECKING:
    from lamina.model import Model


def fit_together(session: Session, cluster: Cluster, directory: RunDirectory | None, *, resume: bool, go_on: bool) -> Run:
    """Train a prepared session on the processes of a cluster.

    Args:
        session: What is trained, and how; it has been prepared, so that what doesn't fit is known.
        cluster: Where.
        directory: Where the run is kept.
        resume: Whether to go on from a checkpoint there.
        go_on: Whether to go on with the optimiser's state that came with the model.

    Raises:
        LaminaError: DI008 or DI009 for what can't be handed over, before anything is started; the first error of any process.
    """
    local, model, config = local_only(cluster), session.model, session.config
    _check_described(model)
    check_known(("network", _description(model)), ("train", config), ("fit", session.feed), *_named(session.evaluations))
    with tempfile.TemporaryDirectory(prefix="lamina-", ignore_cleanup_errors=True) as folder:
        place = Place(Path(folder))
        save_model(model, place.model)
        write_dataset(session.train, place.train)
        if session.validation is not None:
            write_dataset(session.validation, place.validation)
        settings = {
            "config": config.replace(cluster=None).to_dict(full=True),
            "feed": session.feed.to_dict(full=True),
            "evaluations": [evaluation.to_dict(full=True) for evaluation in session.evaluations],
            "go_on": go_on,
            "validated": session.validation is not None,
        }
        threads = config.threads or threads_for(local.workers)
        path = None if directory is None else str(directory.path.resolve())
        Job("fit", local.workers, local.timeout, threads, config.device, path, resume, settings).write(place.folder)
        stopped = Supervisor(place, local.workers, threads=threads, restarts=local.restarts).run()
        return _result(model, place, stopped, directory)


def write_result(place: Place, run: Run) -> None:
    """Leave what came of a training, but for its weights."""
    history = [{name: plain_number(value) for name, value in row.items()} for row in run.history]
    place.result.write_text(
        json.dumps({"history": history, "stop_reason": run.stop_reason, "interrupted": run.interrupted}), encoding="utf-8"
    )


def read_result(place: Place, model: Model, directory: RunDirectory | None) -> Run:
    """What `write_result` left, as a run of a model that has its weights already."""
    found = json.loads(place.result.read_text(encoding="utf-8"))
    history = [{name: float("nan") if value is None else value for name, value in row.items()} for row in found["history"]]
    return Run(model, history=history, stop_reason=found["stop_reason"], interrupted=found["interrupted"], directory=directory)


def local_only(cluster: Cluster) -> Local:
    """The cluster, if it is of a kind that can be started here.

    Raises:
        DescriptionError: DI002, if it isn't.
    """
    if isinstance(cluster, Local):
        return cluster
    raise DescriptionError(
        "DI002",
        where="train.cluster",
        expected="a cluster that can be started from here: local",
        got=cluster.type_name or type(cluster).__name__,
        cause="nothing here knows how to start its processes",
        fix="write cluster: {type: local, workers: 2}",
    )


def _result(model: Model, place: Place, stopped: int | None, directory: RunDirectory | None) -> Run:
    run = read_result(place, model, directory)
    model.load_parameters(Archive(place.trained).arrays(WEIGHTS))
    run.interrupted = run.interrupted if run.interrupted is not None else stopped if run.stop_reason is not None else None
    return run


def _description(model: Model) -> Description:
    if model.description is None:
        message = "an own module has no description"
        raise ValueError(message)
    return model.description


def _named(judges: Sequence[Evaluation]) -> list[tuple[str, Description]]:
    return [(f"evaluation[{number}]", judge) for number, judge in enumerate(judges)]


def _check_described(model: Model) -> None:
    """See that the network can be written to a file.

    Raises:
        DescriptionError: DI008, if it is an own module, or holds one.
    """
    got: Any = None
    if model.description is None:
        got = f"{type(getattr(model.network, 'module', model.network)).__name__}, an own torch.nn.Module"
    else:
        try:
            model.description.to_dict(full=True)
        except DescriptionError as error:
            got = error.problems[0].got
    if got is not None:
        raise DescriptionError(
            "DI008",
            where="network",
            expected="a network that can be written to a file, as all processes get it",
            got=got,
            cause="code of a script or a notebook is not handed over to other processes",
            fix="describe it by layers, or register its module as a layer in a package; or train on one process (leave cluster out)",
        )
