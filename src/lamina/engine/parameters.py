"""All trainable parameters of a network as one flat vector, and their gradients as another.

Each parameter is a view into the vector, in its own memory layout, so that the network computes with it as before, while
updating, clipping, averaging, exchanging and keeping are single operations on the vector.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from lamina.engine.runnable import Network
from lamina.errors import LaminaError, TrainingError
from lamina.network.constraints import Constraint
from lamina.network.layers.layer import Layer, Role


@dataclass(frozen=True)
class Settings:
    """How one parameter is trained; the defaults are those of a parameter that nobody described.

    Attributes:
        layer: Name of the layer that has it: what clipping by layer takes together.
        role: Whether it is a weight, a bias or a gain.
        l1: Weight of ``sum |p|`` in the loss.
        l2: Weight of ``sum p^2 / 2`` in the loss.
        weight_decay: Decoupled decay; None: the optimiser's own.
        learning_rate_factor: Factor of the learning rate.
        constraints: What must hold after every update.
        frozen: Whether it keeps its values.
    """

    layer: str = ""
    role: Role = "weight"
    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float | None = None
    learning_rate_factor: float = 1.0
    constraints: tuple[Constraint, ...] = ()
    frozen: bool = False

    @classmethod
    def of(cls, name: str, layer: Layer, role: Role) -> Settings:
        """What a layer's description says of one of its parameters; L1 and L2 of gains are 0."""
        end = "_bias" if role == "bias" else ""
        return cls(
            layer=name,
            role=role,
            l1=0.0 if role == "gain" else getattr(layer, f"l1{end}", 0.0),
            l2=0.0 if role == "gain" else getattr(layer, f"l2{end}", 0.0),
            weight_decay=getattr(layer, "weight_decay", None),
            learning_rate_factor=_rate(layer, role),
            constraints=() if role == "gain" else tuple(getattr(layer, "bias_constraints" if role == "bias" else "constraints", ())),
            frozen=getattr(layer, "frozen", False),
        )


def _rate(layer: Layer, role: Role) -> float:
    """The factor of the learning rate of a parameter."""
    own = getattr(layer, "bias_learning_rate_factor", None) if role == "bias" else None
    found: float = getattr(layer, "learning_rate_factor", 1.0) if own is None else own
    return found


@dataclass(frozen=True)
class Segment:
    """A run of consecutive parameters in a vector that are updated alike.

    Attributes:
        start: First place in the vector.
        stop: Place after the last.
        names: Names of the parameters.
        learning_rate_factor: Factor of the learning rate.
        weight_decay: The layers' decoupled decay; None: the optimiser's own.
        weights: Whether they are weights, not biases or gains.
    """

    start: int
    stop: int
    names: tuple[str, ...]
    learning_rate_factor: float
    weight_decay: float | None
    weights: bool


@dataclass(frozen=True)
class Slot:
    """The place of one parameter.

    Attributes:
        name: ``dense_1/weight``.
        path: Where torch has it in the module: ``layers.0.weight``.
        parameter: The parameter itself, whose data is ``view``.
        settings: How it is trained.
        start: First place in the vector.
        stop: Place after the last.
        view: Its values in the vector.
        gradient: Its gradient, which is the parameter's ``grad``.
    """

    name: str
    path: str
    parameter: nn.Parameter
    settings: Settings
    start: int
    stop: int
    view: Tensor
    gradient: Tensor


@dataclass(frozen=True)
class FlatBuffer:
    """The parameters of one dtype.

    Attributes:
        vector: Values, ``[size]``.
        gradient: Gradients, ``[size]``.
        slots: Place of each parameter, in order.
        segments: Runs of parameters that are updated alike.
    """

    vector: Tensor
    gradient: Tensor
    slots: tuple[Slot, ...]
    segments: tuple[Segment, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "segments", tuple(_segments(self.slots)))


Entry = tuple[str, str, nn.Parameter, Settings]
"""A parameter on its way into a vector: name, path, itself, how it is trained."""


class FlatParameters:
    """The trainable parameters of a network, moved into one vector for each dtype (nearly always one).

    Values and memory layout of the parameters stay (channels-last weights are channels-last views). Each parameter's
    ``grad`` is set to a view of the gradient vector, into which autograd adds. Frozen parameters stay outside, and no longer
    ask for gradients. A tied parameter, one tensor under two names, is there once, with the settings of the first.

    A parameter that a step doesn't use has the gradient 0, where a hand-written loop has None: an optimiser with momentum
    goes on moving it, and weight decay shrinks it, as in Deeplearning4j.

    Choose device, dtype and memory layout before; replacing a parameter's tensor afterwards takes it out of the vector
    (`check`, `reattach`).

    Args:
        module: A network, or any ``torch.nn.Module``, whose parameters then all count as weights.

    Attributes:
        buffers: One for each dtype.

    Raises:
        TrainingError: EN023, if there is no trainable parameter; EN024, if one can't be part of a vector.

    Example:
        >>> flat = FlatParameters(torch.nn.Linear(3, 2))
        >>> flat.vector.shape, [segment.names for segment in flat.segments]
        (torch.Size([8]), [('weight', 'bias')])
    """

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        found: dict[torch.dtype, list[Entry]] = {}
        device: torch.device | None = None
        for name, path, parameter, settings in _trainable(module):
            _check_dense(name, parameter, device)
            device = parameter.device
            found.setdefault(parameter.dtype, []).append((name, path, parameter, settings))
        if not found:
            raise _nothing()
        self.buffers = tuple(_flatten(entries) for entries in found.values())

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The place of each parameter."""
        return tuple(slot for buffer in self.buffers for slot in buffer.slots)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Runs of parameters that are updated alike; of all dtypes in turn, each with places in its own vector."""
        return tuple(segment for buffer in self.buffers for segment in buffer.segments)

    @property
    def size(self) -> int:
        """Number of trainable values."""
        return sum(buffer.vector.numel() for buffer in self.buffers)

    @property
    def vector(self) -> Tensor:
        """All values, ``[size]``.

        Raises:
            TrainingError: EN024, if there are several dtypes; use `buffers`.
        """
        return self._single().vector

    @property
    def gradient(self) -> Tensor:
        """All gradients, ``[size]``.

        Raises:
            TrainingError: EN024, if there are several dtypes; use `buffers`.
        """
        return self._single().gradient

    def views(self) -> dict[str, Tensor]:
        """Values of each parameter by name, in the parameter's shape, sharing memory with the vector."""
        return {slot.name: slot.view for slot in self.slots}

    def gradients(self) -> dict[str, Tensor]:
        """Gradient of each parameter by name, in the parameter's shape, sharing memory with the gradient vector."""
        return {slot.name: slot.gradient for slot in self.slots}

    def zero_grad(self) -> None:
        """Fill the gradients with 0, in one pass."""
        for buffer in self.buffers:
            buffer.gradient.zero_()

    def check(self) -> None:
        """See that all parameters and their gradients still lie in the vectors.

        Raises:
            TrainingError: EN021, with one problem for each that doesn't.
        """
        problems = [_left(slot).problems[0] for slot in self.slots if not self._attached(slot)]
        if problems:
            raise TrainingError.of(problems)

    def reattach(self) -> None:
        """Take parameters that have left the vectors back in, with their present values; their gradients become 0.

        Raises:
            TrainingError: EN024, if one has another dtype, shape or device than it had; make a new `FlatParameters` then.
        """
        for slot in self.slots:
            if self._attached(slot):
                continue
            # The module may have a new parameter object; its values count, but the old object goes on.
            parameter, view = self._module.get_parameter(slot.path), slot.view
            if parameter.dtype != view.dtype or parameter.device != view.device or parameter.shape != view.shape:
                raise _unfit(
                    slot.name,
                    got=f"{parameter.dtype} {list(parameter.shape)} on {parameter.device}",
                    cause="the parameter was converted or moved after the vector was made",
                    fix="make a new FlatParameters and a new optimiser for it",
                )
            if parameter.data_ptr() != view.data_ptr():
                view.copy_(parameter.detach())
            slot.gradient.zero_()
            slot.parameter.data = view
            slot.parameter.grad = slot.gradient
            owner, _, leaf = slot.path.rpartition(".")
            setattr(self._module.get_submodule(owner), leaf, slot.parameter)

    def _attached(self, slot: Slot) -> bool:
        parameter, gradient, view, own = slot.parameter, slot.parameter.grad, slot.view, slot.gradient
        if gradient is None or self._module.get_parameter(slot.path) is not parameter:
            return False
        same = parameter.data_ptr() == view.data_ptr() and gradient.data_ptr() == own.data_ptr()
        return same and parameter.stride() == view.stride() and gradient.stride() == own.stride()

    def _single(self) -> FlatBuffer:
        if len(self.buffers) > 1:
            raise _unfit(
                self.buffers[1].slots[0].name,
                got=f"{self.buffers[1].vector.dtype}, where others are {self.buffers[0].vector.dtype}",
                cause="one vector was asked for, and the parameters have several dtypes",
                fix="convert the whole module to one dtype, or use flat.buffers, one for each dtype",
            )
        return self.buffers[0]


def _trainable(module: nn.Module) -> Iterator[Entry]:
    settings = dict(_described(module)) if isinstance(module, Network) else {}
    names = {id(tensor): name for name, tensor in _names(module).items()}
    for path, parameter in module.named_parameters():
        name = names.get(id(parameter), path)
        own = settings.get(id(parameter)) or Settings(layer=name.rpartition("." if "." in name else "/")[0])
        if own.frozen:
            # Else autograd would compute, add up and never empty a gradient that nobody uses.
            parameter.requires_grad = False
            parameter.grad = None
        if parameter.requires_grad:
            yield name, path, parameter, own


def _described(network: Network) -> Iterator[tuple[int, Settings]]:
    """Settings by the identity of the tensor; a tied one's come from its first place."""
    seen: set[int] = set()
    for full, module in network.all_modules():
        node, roles = module.node, {name: parameter.role for name, parameter in module.node.parameters.items()}
        idle = set() if network.pretraining else {name for name, parameter in node.parameters.items() if parameter.pretraining}
        if node.shares is not None:
            continue  # The owner says how they are trained.
        for name, parameter in module.named_parameters():
            if id(parameter) not in seen and name not in node.borrowed:
                seen.add(id(parameter))
                own = Settings.of(full, _trained(node.layer), roles.get(name, "weight"))
                yield id(parameter), replace(own, frozen=True) if name in idle else own


def _trained(layer: Layer) -> Layer:
    """The layer whose settings count: of a wrapper without settings of its own (bidirectional), the wrapped one."""
    inner = getattr(layer, "layer", None)
    return _trained(inner) if isinstance(inner, Layer) and not hasattr(layer, "learning_rate_factor") else layer


def _names(module: nn.Module) -> Mapping[str, Tensor]:
    return module.tensors() if isinstance(module, Network) else {}


def _flatten(entries: list[Entry]) -> FlatBuffer:
    size = sum(parameter.numel() for _, _, parameter, _ in entries)
    first = entries[0][2]
    vector = torch.empty(size, dtype=first.dtype, device=first.device)
    gradient = torch.zeros_like(vector)
    slots, start = [], 0
    for name, path, parameter, settings in entries:
        strides = parameter.stride() if _dense(parameter) else torch.empty(parameter.shape, device="meta").stride()
        view, own = (whole.as_strided(parameter.shape, strides, start) for whole in (vector, gradient))
        view.copy_(parameter.detach())
        if parameter.grad is not None:
            own.copy_(parameter.grad)
        parameter.data = view
        parameter.grad = own
        slots.append(Slot(name, path, parameter, settings, start, start + parameter.numel(), view, own))
        start += parameter.numel()
    return FlatBuffer(vector, gradient, tuple(slots))


def _dense(tensor: Tensor) -> bool:
    """Whether the elements fill their stretch of memory without gaps or overlaps, in whatever order of axes."""
    expected = 1
    for stride, size in sorted((s, n) for s, n in zip(tensor.stride(), tensor.shape, strict=True) if n != 1):
        if stride != expected:
            return False
        expected *= size
    return True


def _segments(slots: tuple[Slot, ...]) -> Iterator[Segment]:
    run: list[Slot] = []
    for slot in slots:
        if run and _key(run[0]) != _key(slot):
            yield _segment(run)
            run = []
        run.append(slot)
    yield _segment(run)


def _key(slot: Slot) -> tuple[float, float | None, bool]:
    return slot.settings.learning_rate_factor, slot.settings.weight_decay, slot.settings.role == "weight"


def _segment(run: list[Slot]) -> Segment:
    return Segment(run[0].start, run[-1].stop, tuple(slot.name for slot in run), *_key(run[0]))


def _check_dense(name: str, parameter: nn.Parameter, device: torch.device | None) -> None:
    if isinstance(parameter, nn.parameter.UninitializedParameter):
        raise _unfit(
            name,
            got="an uninitialised (lazy) parameter",
            cause="the sizes of a lazy module are known only after its first batch",
            fix="run one batch through the module before training",
        )
    if not parameter.dtype.is_floating_point or parameter.layout != torch.strided:
        raise _unfit(
            name,
            got=f"{parameter.dtype}, {parameter.layout}",
            cause="only dense floating point numbers can be trained as one vector",
            fix="convert it, keep it as a buffer, or freeze it with requires_grad_(False)",
        )
    if device is not None and parameter.device != device:
        raise _unfit(
            name,
            got=f"one on {parameter.device}, where others are on {device}",
            cause="the module is spread over several devices",
            fix=f'move the whole module: module.to("{device}")',
        )


def _unfit(name: str, *, got: str, cause: str, fix: str) -> TrainingError:
    expected = "a dense floating point tensor on the same device as the others"
    return TrainingError("EN024", where=f"parameter {name!r}", expected=expected, got=got, cause=cause, fix=fix)


def _left(slot: Slot) -> LaminaError:
    gone = slot.parameter.grad is None
    return TrainingError(
        "EN021",
        where=f"parameter {slot.name!r}",
        expected="a view into the flat vector, and its gradient a view into the flat gradient",
        got="no gradient" if gone else "a tensor of its own",
        cause="something replaced it: "
        + ("zero_grad(set_to_none=True)" if gone else ".to(), .half(), load_state_dict(assign=True), backward(create_graph=True)"),
        fix="do that before training, or call flat.reattach() afterwards; zero gradients with flat.zero_grad()",
    )


def _nothing() -> TrainingError:
    return TrainingError(
        "EN023",
        where="network",
        expected="at least one trainable parameter",
        got="none",
        cause="no layer has parameters, or all are frozen (frozen: true, or requires_grad=False)",
        fix="add a layer with parameters, or thaw one with frozen: false",
    )
