"""Whether the ways of learning that were asked for fit the network and the data; all of it known before the first step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from lamina.errors import DataError, DescriptionError, Problem

if TYPE_CHECKING:
    from lamina.data.sampling import Sampling
    from lamina.data.schema import DataSchema
    from lamina.network.losses import Loss
    from lamina.network.plan import Plan
    from lamina.shapes import Shape
    from lamina.train.config import TrainConfig


def losses_of(plan: Plan) -> dict[str, Loss]:
    """The loss of each output that has one."""
    found = {name: getattr(plan.node(name).layer, "loss", None) for name in plan.outputs}
    return {name: loss for name, loss in found.items() if loss is not None}


def check_ways(
    config: TrainConfig,
    losses: Mapping[str, Loss],
    plan: Plan | None,
    inputs: Mapping[str, Shape],
    *,
    shuffle: bool,
    masked: bool = False,
) -> None:
    """See that a network can be trained as it is asked for.

    Args:
        config: How.
        losses: The loss of each output.
        plan: The network; None for an own module.
        inputs: What the data hold.
        shuffle: Whether the samples are fed in random order.
        masked: Whether the data have masks.

    Raises:
        DescriptionError: TR110, with all that doesn't fit, each naming the setting and the layer; TR111 for a truncation that is
            longer than the sequences.
    """
    problems = [*_accumulating(config, losses), *_searching(config, plan), *_averaging(config)]
    if config.mix is not None:
        from lamina.train.mixing import mixing_problems

        problems += mixing_problems(config.mix, inputs, {} if plan is None else plan.output_shapes, masked=masked)
    if config.truncate is not None:
        from lamina.train.truncating import truncation_problems

        problems += truncation_problems(config.truncate, losses, plan, shuffle=shuffle)
    if problems:
        raise DescriptionError.of(problems)


class Fed(Protocol):
    """How data are fed: the ``data`` section of a recipe, or what `fit` was told."""

    @property
    def sampling(self) -> Sampling | None: ...  # noqa: D102
    @property
    def bucketing(self) -> int | None: ...  # noqa: D102


def check_feed(config: TrainConfig, feed: Fed, schema: DataSchema) -> None:
    """See that data can be fed as they are asked for, and that it goes together with the way of learning.

    Raises:
        DataError: DA186 for sampling, DA187 for bucketing.
    """
    if feed.sampling is not None:
        feed.sampling.check(schema)
        if feed.sampling.balances and config.class_weights is not None:
            raise DataError(
                "DA186",
                where="data.sampling",
                expected="rare classes drawn more often, or weighing more: one of both",
                got=f"sampling {feed.sampling.type_name}, and train.class_weights",
                cause="together they count what is rare twice",
                fix="leave class_weights out, or sampling",
            )
    if feed.bucketing is None:
        return
    if not any(shape.has_steps and shape.dims[0] is None for shape in schema.inputs.values()):
        raise DataError(
            "DA187",
            where="data.bucketing",
            expected="an input of sequences of any length",
            got=", ".join(f"{name} {shape}" for name, shape in schema.inputs.items()),
            cause="only where the number of steps is open can a batch have fewer of them",
            fix="leave bucketing out, or describe the input with steps: null",
        )
    if config.truncate is not None:
        raise DataError(
            "DA187",
            where="data.bucketing",
            expected="batches that are all cut into as many pieces",
            got="train.truncate",
            cause="with bucketing each batch has a length of its own",
            fix="leave bucketing out, or truncate",
        )


def _accumulating(config: TrainConfig, losses: Mapping[str, Loss]) -> list[Problem]:
    if config.accumulate == 1:
        return []
    return [
        Problem(
            code="TR110",
            where=f"train.accumulate, output {name!r}",
            expected="losses that are a mean over samples, so that parts of a batch can be put together",
            got=f"loss {loss.type_name}, which exists for a whole batch only",
            cause="the loss of two batches is not the mean of their losses",
            fix="write accumulate: 1 and a larger batch_size, or take a loss such as cross_entropy",
        )
        for name, loss in losses.items()
        if not loss.per_sample
    ]


def _searching(config: TrainConfig, plan: Plan | None) -> list[Problem]:
    if not config.optimizer.searches or plan is None:
        return []
    from lamina.network.layers.container import all_nodes

    return [
        Problem(
            code="TR110",
            where=f"train.optimizer, layer {name!r}",
            expected=f"one length of moves for all parameters, beside {config.optimizer.type_name}",
            got=f"learning_rate_factor: {factor:g}",
            cause="all parameters move together along a line, as far as the line search says",
            fix=f"remove learning_rate_factor from {name!r}; a layer that shall keep its values is frozen: true",
        )
        for name, node in all_nodes(plan)
        if (factor := getattr(node.layer, "learning_rate_factor", 1.0)) != 1.0 and not getattr(node.layer, "frozen", False)
    ]


def _averaging(config: TrainConfig) -> list[Problem]:
    if config.averaging is None:
        return []
    begins, unit = config.averaging.bind(total_steps=config.max_steps or 1, total_epochs=config.epochs).begins()
    late = unit == "epochs" and begins > config.epochs
    return list(never_averaged(begins, config.epochs, unit).problems) if late else []


def never_averaged(begins: int, total: int, unit: str) -> DescriptionError:
    """An average that would begin after the end of training."""
    return DescriptionError(
        "TR110",
        where="train.averaging",
        expected=f"a beginning within the {total} {unit} of this training",
        got=f"the first weights to be averaged after {begins} {unit}",
        cause="training is shorter, or start counts another unit than was meant",
        fix=f"write start: {max(1, -(-3 * total // 4))}, or leave start out for the last quarter",
    )
