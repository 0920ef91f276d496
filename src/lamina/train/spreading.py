"""Whether a training can be done by several processes as it is asked for; known before the first step, without torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lamina.errors import DescriptionError, Problem, StartError

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.distribute.world import World
    from lamina.network.losses import Loss
    from lamina.train.config import TrainConfig
    from lamina.train.trainer import Trainer


def check_spread(config: TrainConfig, losses: Mapping[str, Loss], *, streamed: bool = False) -> None:
    """See that several processes can train together.

    Args:
        config: How.
        losses: The loss of each output.
        streamed: Whether the training part is a stream.

    Raises:
        DescriptionError: DI002, with all that can't be.
    """
    problems = [*_of_config(config), *_of_losses(losses)]
    if streamed:
        problems.append(
            _problem(
                "the training part",
                "data of which every process has all",
                "a stream",
                "a record of a stream comes once, and to one process only",
                "train on a data set, or on one process",
            )
        )
    if problems:
        raise DescriptionError.of(problems)


def _of_config(config: TrainConfig) -> Iterator[Problem]:
    exchange = config.exchange
    if config.truncate is not None:
        yield _problem(
            "train.truncate",
            "whole sequences",
            "pieces of sequences",
            "the memory carried from piece to piece is not exchanged",
            "remove truncate, or train on one process",
        )
    if config.pretrain is not None:
        yield _problem(
            "train.pretrain",
            "layers that learn together",
            "layers pretrained one by one",
            "what pretrains layers makes updates of its own",
            "pretrain on one process (model.pretrain), then train its model on several",
        )
    if exchange.lossless:
        return
    looks = {"sharpness": config.sharpness is not None, f"optimizer {config.optimizer.type_name}": config.optimizer.searches}
    for name, asked in looks.items():
        if asked:
            yield _problem(
                f"train.exchange {exchange.type_name}",
                f"one look at the gradient in a step, or exchange: all_reduce, beside {name}",
                exchange.type_name or "",
                f"{name} asks for the gradient at several points, and compares them",
                f"write exchange: all_reduce, or remove {name}",
            )
    if exchange.local and config.averaging is not None:
        yield _problem(
            "train.averaging",
            "weights that are the same in all processes after every step",
            f"exchange: {exchange.type_name}",
            "between two exchanges each process has weights of its own, and their averages would differ",
            "write exchange: all_reduce, or remove averaging",
        )
    if exchange.local and config.precision == "float16":
        yield _problem(
            "train.precision",
            "float32, float64 or bfloat16",
            "float16",
            "each process would scale its loss by itself, and leave out steps by itself",
            "write precision: bfloat16, or exchange: all_reduce",
        )


def _of_losses(losses: Mapping[str, Loss]) -> Iterator[Problem]:
    for name, loss in losses.items():
        if not loss.per_sample:
            yield _problem(
                f"output {name!r}",
                "losses that are a mean over samples, so that shares of a batch can be put together",
                f"loss {loss.type_name}, which exists for a whole batch only",
                "each process computes the loss of its share of the batch",
                "take a loss such as cross_entropy, or train on one process",
            )


def _problem(where: str, expected: str, got: str, cause: str, fix: str) -> Problem:
    return Problem("DI002", where=where, expected=expected, got=got, cause=cause, fix=fix)


def check_same(world: World, trainer: Trainer, data: Dataset) -> None:
    """See that all processes are about to train the same network on the same data, with the same software.

    Args:
        world: The processes.
        trainer: This one's, before its first step.
        data: This one's training part.

    Raises:
        StartError: DI010, in all of them, naming what differs and where.
    """
    if world.alone:
        return
    import hashlib
    import platform

    import numpy as np
    import torch

    from lamina.version import __version__

    places = np.unique(np.linspace(0, len(data) - 1, min(len(data), 16)).astype(np.int64))
    looked = data.read(places)
    digest = hashlib.blake2b(digest_size=8)
    for arrays in (looked.inputs, looked.targets):
        for name in sorted(arrays):
            digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    weights = hashlib.blake2b(trainer.flat.buffers[0].vector.detach().cpu().numpy().tobytes(), digest_size=8)
    settings = trainer.config.replace(device="auto", threads=None).to_json(full=True)
    facts = {
        "lamina": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "samples": len(data),
        "what samples are": digest.hexdigest(),
        "weights": weights.hexdigest(),
        "settings": hashlib.blake2b(settings.encode(), digest_size=8).hexdigest(),
    }
    found = world.gather(facts)
    different = [name for name in facts if len({str(one[name]) for one in found}) > 1]
    if different:
        name = different[0]
        other = next(rank for rank, one in enumerate(found) if one[name] != found[0][name])
        raise StartError(
            "DI010",
            where=f"rank {other}, {name}",
            expected=f"the same as rank 0 has: {found[0][name]}",
            got=f"{found[other][name]}" + (f"; {', '.join(different[1:])} differ too" if different[1:] else ""),
            cause="another version is installed on its machine, or its machine has other files, or another recipe",
            fix="install the same packages everywhere, and give all processes the same recipe and the same data",
        )
