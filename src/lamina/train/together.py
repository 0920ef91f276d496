"""What a trainer does where it is one of several processes: agree on when to stop and keep, judge together, keep everyone's state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from lamina.distribute.exchange import exchange_for
from lamina.distribute.world import World, alike
from lamina.errors import TrainingError
from lamina.train.callbacks.callback import KEEPER, CallbackRun
from lamina.train.evaluator import Evaluator, Judgement

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset
    from lamina.engine.network import Network
    from lamina.train.mean import RunningMean
    from lamina.train.trainer import Trainer


class Together:
    """The side of a trainer that talks with the other processes.

    Whatever one of them wants that concerns all (to stop, to keep a checkpoint) it says in the next exchange; where anybody wants
    something, all talk about it, and do it after the same step.

    Args:
        trainer: Whose; its vectors and its optimiser are there.

    Attributes:
        exchange: What is exchanged at steps.
        calling: Whether a callback is being called that runs in all processes.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.world = trainer.world
        self.calling = False
        self.exchange = exchange_for(trainer.config.exchange, self.world, trainer.flat, trainer.optimizer, trainer.network)
        self.exchange.asking = lambda: self._stop is not None or self._save
        self._stop: tuple[str, bool] | None = None
        self._save = False
        self._agreed = False
        self._started = self.world.seconds

    # -- agreeing ---------------------------------------------------------------------------------------------------

    def ask_to_stop(self, reason: str, *, final: bool) -> None:
        """Let all stop at the end of the step in which this is heard."""
        if self._stop is None:
            self._stop = reason, final

    def ask_to_save(self) -> None:
        """Let all have their part in a checkpoint after the next exchange."""
        self._save = True

    def after_step(self) -> None:
        """A step was made; if any process asked for something in it, see to that."""
        self.trainer.timing.exchange_seconds = self.world.seconds - self._started
        if self.exchange.asked:
            self.exchange.asked = False
            self.agree()

    def before(self, callback: CallbackRun) -> None:
        """A callback is about to be called after an epoch."""
        if callback.priority <= KEEPER and not self._agreed:
            # Who keeps the state must know whether this is the end.
            self.agree()
            self._agreed = True
        self.finishing(callback)

    def finishing(self, callback: CallbackRun) -> None:
        """A callback is about to be finished, perhaps after an error of which the others don't know yet."""
        self.calling = callback.description.everywhere

    def settle(self) -> None:
        """An epoch is over: all processes have the same weights, and know what any of them wants."""
        self.exchange.settle()
        self.exchange.asked = self._agreed = False

    def agree(self) -> None:
        """Hear what the processes want, and do it."""
        self.calling = False
        wants = {"stop": self._stop, "interrupted": self.trainer.interrupted, "save": self._save}
        self._stop, self._save = None, False
        heard = self.world.gather(wants)
        for other in heard:
            if other["stop"] is not None:
                self.trainer.stop(other["stop"][0], final=bool(other["stop"][1]))
            if self.trainer.interrupted is None and other["interrupted"] is not None:
                self.trainer.interrupted = int(other["interrupted"])
        if any(other["save"] for other in heard):
            for callback in self.trainer.callbacks:
                if callback.description.everywhere:
                    callback.on_checkpoint(self.trainer)

    # -- figures ----------------------------------------------------------------------------------------------------

    def mean(self, loss: RunningMean) -> float:
        """The mean loss of an epoch over all processes."""
        if not self.exchange.local:
            return loss.value
        sums = torch.tensor([loss.sum, loss.weight], dtype=torch.float64, device=self.trainer.device)
        self.world.sum(sums)
        return float(sums[0] / sums[1])

    # -- state ------------------------------------------------------------------------------------------------------

    def state(self, loss: RunningMean) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What single processes know, collected from all of them: plain data, and arrays by ``rank/name``.

        Raises:
            TrainingError: DI003, if processes that must have the same weights don't.
        """
        self._check_alike()
        numbers, tensors = self.exchange.state()
        own = {"numbers": {**numbers, "loss": [loss.sum, loss.weight]} if self.exchange.local else dict(numbers)}
        found = self.world.gather({**own, "arrays": {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}})
        arrays = {f"{rank}/{name}": array for rank, one in enumerate(found) for name, array in one["arrays"].items()}
        return {"exchange": {"type": self.exchange.description.type_name, "ranks": [one["numbers"] for one in found]}}, arrays

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray], loss: RunningMean) -> None:
        """Go on from what `state` gave, of as many processes or another number; a run of one process has nothing of the kind."""
        kept = values.get("exchange")
        if kept is None:
            return
        ranks = kept["ranks"]
        tensors: list[dict[str, torch.Tensor]] = [{} for _ in ranks]
        for full, array in arrays.items():
            rank, _, name = full.partition("/")
            tensors[int(rank)][name] = torch.from_numpy(array)
        self.exchange.load_state(list(zip(ranks, tensors, strict=True)))
        if self.exchange.local:
            own = ranks[self.world.rank :: self.world.count]
            loss.set(sum(one["loss"][0] for one in own), sum(one["loss"][1] for one in own))

    def _check_alike(self) -> None:
        if self.exchange.local:
            return
        trainer = self.trainer
        if not alike(self.world, [*(buffer.vector for buffer in trainer.flat.buffers), *trainer.optimizer.state_dict().values()]):
            raise TrainingError(
                "DI003",
                where=f"step {trainer.step}, rank {self.world.rank}",
                expected="the same weights and the same state of the optimiser in all processes, bit for bit",
                got="different ones",
                cause="a callback or a layer changed them in some processes only, or their machines compute differently",
                fix="change weights only in callbacks that run everywhere (everywhere = True); resume from the checkpoint before",
            )


def judge_together(evaluator: Evaluator, network: Network, dataset: Dataset, world: World) -> Judgement:
    """Judge a data set, each process a part of it; all get the whole judgement, the same bits for any number of processes.

    Args:
        evaluator: The same in all processes.
        network: With the same weights in all.
        dataset: The whole of it, in all.
        world: The processes.
    """
    judged = evaluator.run(network, dataset, shard=(world.rank, world.count))
    if world.alone:
        return judged
    whole = Judgement.start(evaluator.names)
    for state in world.gather(judged.state_dict()):
        whole.merge(Judgement.start(evaluator.names).load_state_dict(state))
    return whole
