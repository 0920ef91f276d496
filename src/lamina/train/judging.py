"""A model judged on data: what `lamina.Model.judge` does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lamina.engine.device import choose_device
from lamina.engine.precision import Precision
from lamina.train.evaluator import Evaluator, Judgement
from lamina.train.metrics import MetricNames, check_size, evaluations, own_judges, pair_outputs, plain_scores

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.evaluate.evaluation import Evaluation
    from lamina.model import Model


def judge(
    model: Model,
    dataset: Dataset,
    evaluation: Evaluation | str | Sequence[Evaluation | str],
    *,
    batch_size: int,
    shard: tuple[int, int],
    device: str,
    full: bool,
) -> Judgement:
    """Judge a model on data that are as it takes them; see `lamina.Model.evaluate`.

    Args:
        model: The model.
        dataset: The data.
        evaluation: How; nothing for what fits the targets.
        batch_size: Samples taken at once.
        shard: Judge only this part of how many.
        device: Where to compute.
        full: Where ``evaluation`` is not given: judge by everything that fits.
    """
    check_size(batch_size)
    pairs, scores = pair_outputs(model.network.outputs, dataset.schema), plain_scores(model.plan)
    names = MetricNames(pairs, dataset.schema, evaluations(evaluation), scores=scores, judges=own_judges(model.plan), full=full)
    chosen = choose_device(device)
    model.network.to(chosen)
    evaluator = Evaluator(
        names,
        device=chosen,
        precision=Precision("float32", chosen),
        batch_size=batch_size,
        with_loss=model.network.judges_samples,
        restore=None if model.preprocessing is None else model.preprocessing.restore_target,
    )
    return evaluator.run(model.network, dataset, shard=shard)
