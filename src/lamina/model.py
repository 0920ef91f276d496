"""A model: a network with its weights, what is done to data before it, and what its outputs mean; kept in one file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamina.archive import WEIGHTS, Archive
from lamina.data.dataset import Dataset, as_dataset, as_unlabelled
from lamina.data.preprocessing import Preprocessing
from lamina.data.schema import DataSchema
from lamina.generation.sequences import Sequences
from lamina.keep import described, read_extras, read_origin, save_model
from lamina.labels import choose_labels, no_classes
from lamina.network import Network
from lamina.network.inference import resolve
from lamina.network.network import loss_elsewhere
from lamina.network.plan import Plan
from lamina.origin import FromElsewhere
from lamina.shapes import Shape, named_shapes

if TYPE_CHECKING:
    import torch

    from lamina.data.dataset import DataLike
    from lamina.data.schema import Target
    from lamina.engine.gradients import GradientReport
    from lamina.engine.network import Network as RunnableNetwork
    from lamina.evaluate.evaluation import Evaluation
    from lamina.evaluate.result import Report
    from lamina.network.losses import Loss
    from lamina.network.summary import Summary
    from lamina.train.evaluator import Judgement
    from lamina.train.pretrain import PretrainRun
    from lamina.train.session import Run
    from lamina.train.state import TrainingState
    from lamina.transfer import Taken

DType = Literal["float32", "float64"]


class Model(Sequences, FromElsewhere):
    """A network that can be trained, judged, kept and asked.

    Args:
        network: A description (`lamina.Sequential`, `lamina.Graph`), or an own ``torch.nn.Module``.
        seed: Initial weights and all randomness of training are a function of it.
        input: Shape of the input, or of each input by name, where the description doesn't say; else taken from the first data.
        loss: For an own module: the loss its output is trained by.
        dtype: Type of the weights.

    Raises:
        LaminaError: With every problem of the description at once.

    Example:
        >>> import lamina as lm
        >>> model = lm.Model(lm.Sequential(lm.features(4), [lm.Dense(8, activation="relu"), lm.Output(3)]), seed=7)
        >>> model.predict([[0.1, 0.2, 0.3, 0.4]]).shape
        (1, 3)
    """

    def __init__(
        self,
        network: Network | torch.nn.Module,
        *,
        seed: int = 0,
        input: Shape | Mapping[str, Shape] | None = None,  # noqa: A002 (the word users look for)
        loss: Loss | str | None = None,
        dtype: DType = "float32",
    ) -> None:
        self.seed = seed
        self.dtype: DType = dtype
        self.schema: DataSchema | None = None
        self.preprocessing: Preprocessing | None = None
        self.description: Network | None = None
        self.plan: Plan | None = None
        self._network: RunnableNetwork | None = None
        self.taken: Taken | None = None  # what it began with, if it was started from another
        if not isinstance(network, Network):
            from lamina.engine.foreign import ForeignNetwork

            self._network = ForeignNetwork(network, loss=loss, inputs=named_shapes(input))
            return
        self.description = network
        if loss is not None:
            raise loss_elsewhere(loss)
        if input is not None or network.has_inputs:
            self.resolve(named_shapes(input))

    @property
    def network(self) -> RunnableNetwork:
        """The runnable network, built when it is first needed.

        Raises:
            ShapeError: NN007, if no input shape is known yet.
        """
        if self._network is None:
            import torch

            from lamina.engine.build import build

            plan = self.resolve(None) if self.plan is None else self.plan
            self._network = build(plan, self.seed, dtype=getattr(torch, self.dtype))
            self._network.eval()
            if self.waiting is not None:
                self._network.load_arrays(self.waiting.arrays)
                self.waiting = None
        return self._network

    def widen(self) -> None:
        """Compute in float64 from now on; weights that are there already keep their values."""
        import torch

        if self.dtype != "float64":
            self.dtype = "float64"
            if self._network is not None:
                self._network.to(torch.float64)

    def resolve(self, inputs: Mapping[str, Shape] | None) -> Plan:
        """Make the network ready for inputs of these shapes; None: of those that it says itself."""
        if self.description is None:
            message = "an own module has no plan"
            raise TypeError(message)
        self.plan = resolve(self.description, inputs)
        return self.plan

    def take_schema(self, schema: DataSchema) -> None:
        """Learn from data what inputs and targets are, if that is not known yet.

        Raises:
            LaminaError: If the data's shapes don't fit the network, or the labels don't match its outputs.
        """
        from lamina.train.metrics import check_targets

        self.take_inputs(schema)
        if self.plan is not None:
            check_targets(self.plan, schema)
        self.schema = schema

    def take_inputs(self, schema: DataSchema) -> None:
        """Learn from data what the inputs are, if that is not known yet; see `take_schema`."""
        if self.plan is None and self.description is not None:
            self.resolve(schema.inputs)
        if self.plan is not None:
            schema.check_inputs(self.plan.inputs)

    def summary(self, *, batch: int = 32) -> Summary:
        """The table of layers with shapes, parameters, FLOPs and memory; print it.

        Args:
            batch: Samples at once that the memory for training is counted for.
        """
        from lamina.network.summary import summarize

        return summarize(self.plan or self.resolve(None), batch=batch)

    def parameters(self) -> dict[str, np.ndarray]:
        """Copies of all parameters and buffers by ``layer/name``."""
        return {name: np.array(array) for name, array in self.network.named_arrays().items()}

    def load_parameters(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set parameters and buffers by name.

        Raises:
            LaminaError: EN008, with all names that are missing, unexpected or of another shape; nothing is changed then.
        """
        self.network.load_arrays(arrays)

    def fit(self, data: DataLike, targets: Any = None, **settings: Any) -> Run:
        """Train; see `lamina.train.fit.fit` for all settings.

        A model that has been trained or loaded is trained on from the weights it has, by the preprocessing and labels it has; the
        optimiser, the order of the samples and the callbacks start anew. To go on exactly where a run stopped, resume it.

        Args:
            data: A `Dataset`, a pair ``(x, y)``, a frame (with ``target="column"``), or ``x`` with `targets` beside it. A
                `Dataset` that nothing was done to yet goes through the model's own preprocessing, if it has one.
            targets: Targets for ``data``.
            **settings: ``epochs``, ``batch_size``, ``optimizer``, ``validation``, ``callbacks``, ``run_dir`` and so on.
        """
        from lamina.train.fit import fit

        return fit(self, data, targets, **settings)

    def pretrain(self, data: DataLike, **settings: Any) -> PretrainRun:
        """Train layer after layer without targets, before `fit`; see `lamina.train.pretrain.pretrain` for all settings.

        Args:
            data: As for `fit`; targets are not looked at.
            **settings: ``layers``, ``epochs``, ``optimizer``, ``batch_size``, ``run_dir`` and so on.
        """
        from lamina.train.pretrain import pretrain

        return pretrain(self, data, **settings)

    def training_data(self, data: DataLike, targets: Any = None, *, target: str | Sequence[str] | None = None) -> Dataset:
        """As `dataset`; where the model doesn't know its data yet, it learns shapes and labels from these.

        Raises:
            LaminaError: If data and network don't fit.
        """
        dataset = self.dataset(data, targets, target=target)
        if self.schema is None:
            if dataset.preprocessing is not None:
                self.preprocessing = dataset.preprocessing
            elif dataset.columns is not None:
                self.preprocessing = Preprocessing.fit(dataset, dtype=self.dtype)
                dataset = self.preprocessing.prepare(dataset)
            self.take_schema(dataset.schema)
            self.check_data(dataset)
        return dataset

    def check_gradients(self, data: DataLike, targets: Any = None, *, samples: int = 8, numbers: int = 30) -> GradientReport:
        """Compare backpropagation with small differences of the loss by every parameter and input, on a copy in float64.

        Takes data as `fit` does, and looks at the first ``samples``, and at ``numbers`` numbers of each tensor; print the result.
        """
        from lamina.train.gradient_check import check_gradients

        return check_gradients(self, self.training_data(data, targets), samples=samples, numbers=numbers)

    def evaluate(
        self,
        data: DataLike,
        targets: Any = None,
        *,
        evaluation: Evaluation | str | Sequence[Evaluation | str] = (),
        batch_size: int = 1024,
        shard: tuple[int, int] = (0, 1),
        device: str = "auto",
        full: bool = False,
    ) -> Report:
        """Judge the model on data it has not seen.

        The figures are the same to the last bit for any ``batch_size``.

        Args:
            data: As for `fit`.
            targets: As for `fit`.
            evaluation: How; by default what fits the targets (classification, regression ...).
            batch_size: Samples taken at once.
            shard: Judge only this part of how many; see `judge` for putting parts together.
            device: Where to compute.
            full: Where ``evaluation`` is not given: judge by everything that fits, with ROC and calibration.

        Returns:
            Tables to print, ``.metrics`` by name, ``.to_html(path)``.
        """
        return self.judge(data, targets, evaluation=evaluation, batch_size=batch_size, shard=shard, device=device, full=full).report

    def judge(
        self,
        data: DataLike,
        targets: Any = None,
        *,
        evaluation: Evaluation | str | Sequence[Evaluation | str] = (),
        batch_size: int = 1024,
        shard: tuple[int, int] = (0, 1),
        device: str = "auto",
        full: bool = False,
    ) -> Judgement:
        """As `evaluate`, but what it gives can be merged: ``model.judge(data, shard=(0, 2)).merge(...)`` then ``.report``."""
        from lamina.train.judging import judge

        return judge(self, self.dataset(data, targets), evaluation, batch_size=batch_size, shard=shard, device=device, full=full)

    def dataset(self, data: DataLike, targets: Any = None, *, target: str | Sequence[str] | None = None) -> Dataset:
        """Data with targets as this model takes them: raw rows go through the preprocessing that was fitted in training.

        Args:
            data: As for `fit`.
            targets: As for `fit`.
            target: Of a frame: the column, or columns, to compare with; those of training by default.

        Raises:
            DataError: If columns, shapes or labels are not those of training.
        """
        from lamina.train.metrics import expected_kind, fill_labels

        data, targets = fill_labels(self.plan, *self.as_here(data, targets))
        if isinstance(data, Dataset):
            dataset = self._as_trained(data)
        elif self.preprocessing is not None and self.preprocessing.schema.targets:
            dataset = self.preprocessing.dataset(data, targets)
        else:
            shapes, kind = self.plan.inputs if self.plan is not None else None, expected_kind(self.plan)
            dataset = as_dataset(data, targets, schema=self.schema, shapes=shapes, dtype=self.dtype, target=target, kind=kind)
            dataset = self.completed(dataset)
        self.check_data(dataset)
        return dataset

    def _as_trained(self, dataset: Dataset) -> Dataset:
        """A data set as the one the model was trained on: prepared if it isn't yet, its classes numbered alike."""
        if self.plan is not None:
            dataset.schema.check_inputs(self.plan.inputs)
        if self.preprocessing is not None and dataset.preprocessing is None:
            return self.preprocessing.prepare(dataset)
        return (dataset if self.schema is None else dataset.like(self.schema)).astype(self.dtype)

    def check_data(self, *datasets: Dataset) -> None:
        """See, before the first step, that the loss of each output can judge every target there is.

        Raises:
            LaminaError: For shapes that don't fit; EN033 to EN035 for targets, naming the first wrong sample.
        """
        from lamina.train.metrics import check_dataset

        outputs = (self.plan or self.network).outputs if self.plan or self._network else ()
        for dataset in datasets if outputs else ():
            check_dataset(self.plan, outputs, dataset)

    def predict(self, data: Any, *, batch_size: int = 1024, device: str = "auto") -> Any:
        """The network's outputs for new data.

        Args:
            data: Arrays, lists of sequences of any lengths, either by input name, a frame with the columns of training, a `Dataset`.
            batch_size: Samples computed at once.
            device: Where to compute.

        Returns:
            A float array ``[samples, ...]``; for several outputs, a dict of arrays by output name. Probabilities where the
            output's activation makes them.

        Raises:
            DataError: If the data are not as in training: missing columns, another shape, NaN.
        """
        outputs = self.outputs(data, batch_size=batch_size, device=device)
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))

    def outputs(self, data: Any, *, batch_size: int = 1024, device: str = "auto") -> dict[str, np.ndarray]:
        """As `predict`, always as a dict by output name."""
        found = self._answers(data, batch_size, device)
        return found if self.origin is None else self.origin.given(found)

    def _answers(self, data: Any, batch_size: int, device: str) -> dict[str, np.ndarray]:
        from lamina.engine.answers import answers
        from lamina.engine.device import choose_device
        from lamina.train.metrics import check_size

        check_size(batch_size)
        if self.plan is not None and self.plan.whole and self.preprocessing is None and not isinstance(data, Dataset):
            from lamina.engine.wholes import answers_to_arrays

            return answers_to_arrays(self.network, self.plan, self.as_here(data)[0], batch_size=batch_size, device=choose_device(device))
        inputs, masks = self._inputs(self.as_here(data)[0])
        found = answers(self.network, inputs, masks, batch_size=batch_size, device=choose_device(device))
        return {name: self.restored(name, array) for name, array in found.items()}

    def predict_labels(self, data: Any, *, batch_size: int = 1024, device: str = "auto") -> Any:
        """The most probable label for each sample.

        Args:
            data: As for `predict`.
            batch_size: Samples computed at once.
            device: Where to compute.

        Returns:
            `Labels`: ``.labels`` (names), ``.indices`` and ``.probabilities``; for several outputs that are classes, a dict by
            output name.

        Raises:
            DataError: AR027, if no output is one of classes.
        """
        outputs = self._answers(data, batch_size, device)
        from lamina.train.metrics import plain_scores

        found = {
            name: choose_labels(outputs[name], target.labels, threshold=0.0 if name in plain_scores(self.plan) else 0.5)
            for name, target in self.targets.items()
            if target is not None and target.kind == "classes"
        }
        if not found:
            raise no_classes(outputs)
        return found if len(found) > 1 else next(iter(found.values()))

    @property
    def targets(self) -> dict[str, Target | None]:
        """What each output means, as learned from the training data; None if it was not trained."""
        from lamina.train.metrics import pair_outputs

        outputs = self.network.outputs
        if self.schema is None:
            return dict.fromkeys(outputs)
        return {output: self.schema.targets[target] for output, target in pair_outputs(outputs, self.schema).items()}

    def _inputs(self, data: Any) -> tuple[dict[str, np.ndarray], Mapping[str, np.ndarray]]:
        """Array of each input, and masks of its steps."""
        if isinstance(data, Dataset):
            found = self._as_trained(data.replace(targets={}, schema=data.schema.replace(targets={})))
        elif self.preprocessing is not None:
            found = self.preprocessing.unlabelled(data)
        else:
            found = as_unlabelled(data, shapes=self.plan.inputs if self.plan else None, dtype=self.dtype)
        return found.inputs, found.input_masks

    def restored(self, output: str, array: np.ndarray) -> np.ndarray:
        """Targets that were scaled for training are scaled back."""
        if self.preprocessing is None or self.schema is None:
            return array
        from lamina.train.metrics import pair_outputs

        return self.preprocessing.restore_target(pair_outputs(self.network.outputs, self.schema)[output], array)

    def save(self, path: str | os.PathLike[str], *, training: TrainingState | None = None) -> None:
        """Keep the model in one ``.lamina`` file: network, weights, preprocessing, labels. No code, no pickle.

        Args:
            path: Where; an existing file is replaced when the new one is safe on disk.
            training: State of training to keep too, for a checkpoint.

        Raises:
            DescriptionError: SP009, if the network holds an own module that isn't registered.
            ArchiveError: AR020, if it can't be written; what was there before is untouched.
        """
        save_model(self, path, training=training)

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Take parameters and buffers from a ``.lamina`` file into this network.

        Raises:
            LaminaError: If the file is damaged, or EN008 if its weights are not those of this network.
        """
        self.load_parameters(Archive(path).arrays(WEIGHTS))


def load(path: str | os.PathLike[str]) -> Model:
    """Load a model from a ``.lamina`` file; needs nothing but the file, and runs nothing that is in it.

    Raises:
        ArchiveError: If it is damaged, of a later format, or holds an own module's weights only.

    Example:
        >>> import lamina as lm, tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "tiny.lamina"
        >>> lm.Model(lm.Sequential(lm.features(2), [lm.Output(2)])).save(path)
        >>> lm.load(path).predict([[1.0, 2.0]]).shape
        (1, 2)
    """
    archive = Archive(path)
    kept = described(archive)
    model = Model(kept.network, seed=kept.seed, input=kept.plan.inputs, dtype=kept.dtype)
    model.schema, model.preprocessing = read_extras(archive)
    model.origin, model.slots = read_origin(archive)
    model.load_parameters(archive.arrays(WEIGHTS))
    return model
