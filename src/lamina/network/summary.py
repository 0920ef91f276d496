"""The table of a network: shapes, parameters, operations and memory, all counted from the description."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lamina.network.layers.layer import elements
from lamina.network.network import type_word
from lamina.network.plan import Node, Plan


@dataclass(frozen=True)
class Row:
    """One layer.

    Attributes:
        name: As in the plan.
        type: Its type string; an own module's class name.
        inputs: What feeds it.
        output_shape: Shape of a sample's output, such as ``[batch, 10]``.
        parameters: Trainable values, frozen ones included.
        frozen: How many of those keep their values.
        buffers: Untrained values (running statistics).
        flops: Floating point operations of the forward pass for one sample.
        activation_bytes: Memory that training keeps of it for one sample.
        implied: Whether nobody wrote it.
    """

    name: str
    type: str
    inputs: tuple[str, ...]
    output_shape: str
    parameters: int
    frozen: int
    buffers: int
    flops: int
    activation_bytes: int
    implied: bool


@dataclass(frozen=True)
class Summary:
    """A network in figures; ``str()`` is the table.

    Memory for training is parameters, buffers, gradients and optimiser state, and for each sample of the batch the input and
    what every layer keeps for the backward pass. What libraries take for themselves and intermediate results are not in it.

    Attributes:
        inputs: Name and shape of each input.
        rows: The layers, each after those that feed it.
        batch: Samples at once that memory is counted for.
        optimizer_slots: Values the optimiser keeps for each trained one: 2 for adam, 1 for momentum, 0 for plain sgd.
        bytes_per_value: 4 for float32.
        input_bytes: Memory of one sample's inputs.
        chain: Whether each layer is fed by the one before alone; the table says what feeds what otherwise.
        open_lengths: Whether some lengths come from the data; operations and activations count those as 1.
    """

    inputs: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    batch: int
    optimizer_slots: int
    bytes_per_value: int
    input_bytes: int
    chain: bool
    open_lengths: bool

    @property
    def parameters(self) -> int:
        """Values of all parameters, frozen ones included."""
        return sum(row.parameters for row in self.rows)

    @property
    def frozen(self) -> int:
        """Parameters that keep their values."""
        return sum(row.frozen for row in self.rows)

    @property
    def trainable(self) -> int:
        """Parameters that training changes."""
        return self.parameters - self.frozen

    @property
    def buffers(self) -> int:
        """Values that are kept with the weights but aren't trained."""
        return sum(row.buffers for row in self.rows)

    @property
    def flops(self) -> int:
        """Operations of the forward pass for one sample."""
        return sum(row.flops for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """Memory for the activations of a whole batch, its inputs included."""
        return self.batch * (self.input_bytes + sum(row.activation_bytes for row in self.rows))

    @property
    def training_bytes(self) -> int:
        """Memory for training with this batch."""
        values = self.parameters + self.buffers + self.trainable * (1 + self.optimizer_slots)
        return values * self.bytes_per_value + self.activation_bytes

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data, for ``--json``."""
        totals = ("parameters", "trainable", "frozen", "buffers", "flops", "activation_bytes", "training_bytes")
        return {
            "inputs": dict(self.inputs),
            "layers": [{**asdict(row), "inputs": list(row.inputs)} for row in self.rows],
            "batch": self.batch,
            "optimizer_slots": self.optimizer_slots,
            "bytes_per_value": self.bytes_per_value,
            "open_lengths": self.open_lengths,
            "total": {name: getattr(self, name) for name in totals},
        }

    def __str__(self) -> str:
        return "\n".join([*_table(self), "", *self._totals()])

    def _totals(self) -> list[str]:
        weights = f"{self.parameters:,} ({self.trainable:,} trained, {self.frozen:,} frozen), {self.buffers:,} in buffers"
        state = self.trainable * self.optimizer_slots * self.bytes_per_value
        parts = (
            f"parameters and buffers {_bytes((self.parameters + self.buffers) * self.bytes_per_value)}, "
            f"gradients {_bytes(self.trainable * self.bytes_per_value)}, optimiser {_bytes(state)}, "
            f"activations {_bytes(self.activation_bytes)}"
        )
        lines = [
            f"Parameters       {weights}",
            f"FLOPs a sample   {_human(self.flops)}",
            f"Training memory  {_bytes(self.training_bytes)} for a batch of {self.batch}: {parts}",
        ]
        if any(row.implied for row in self.rows):
            lines.append("* implied: nobody wrote it, the next layer needs it")
        if self.open_lengths:
            lines.append("? known only from the data; operations and activations count it as 1")
        return lines


def summarize(plan: Plan, batch: int = 32, optimizer_slots: int = 2, bytes_per_value: int = 4) -> Summary:
    """Count what a network has, does and needs.

    Args:
        plan: From `lamina.network.inference.resolve`.
        batch: Samples at once that memory is counted for.
        optimizer_slots: Values the optimiser keeps for each trained one (adam: 2).
        bytes_per_value: 4 for float32, 8 for float64.

    Example:
        >>> from lamina.network import Sequential
        >>> from lamina.network.layers import Dense, Output
        >>> from lamina.shapes import features
        >>> print(summarize(Sequential(features(4), [Dense(8), Output(3)]).resolve()))
        Layer     Type    Output      Parameters  FLOPs  Activations a sample
        --------  ------  ----------  ----------  -----  --------------------
        input     input   [batch, 4]           0      0                  16 B
        dense_1   dense   [batch, 8]          40     64                  32 B
        output_1  output  [batch, 3]          27     48                  12 B
        <BLANKLINE>
        Parameters       67 (67 trained, 0 frozen), 0 in buffers
        FLOPs a sample   112
        Training memory  2.9 KiB for a batch of 32: parameters and buffers 268 B, gradients 268 B, optimiser 536 B, activations 1.9 KiB
    """
    shapes = [*plan.inputs.values(), *(node.output_shape for node in plan.nodes)]
    return Summary(
        inputs=tuple((name, str(shape)) for name, shape in plan.inputs.items()),
        rows=tuple(_row(node, bytes_per_value) for node in plan.nodes),
        batch=batch,
        optimizer_slots=optimizer_slots,
        bytes_per_value=bytes_per_value,
        # Tokens are whole numbers of 8 bytes in torch, whatever the precision.
        input_bytes=sum(elements(shape) * (8 if shape.dtype == "int" else bytes_per_value) for shape in plan.inputs.values()),
        chain=plan.chain,
        open_lengths=any(None in shape.dims for shape in shapes),
    )


def _row(node: Node, bytes_per_value: int) -> Row:
    layer = node.layer
    count = sum(parameter.size for parameter in node.parameters.values())
    return Row(
        name=node.name,
        type=type_word(layer) if layer.type_name else f"module {type(getattr(layer, 'module', layer)).__name__}",
        inputs=node.inputs,
        output_shape=str(node.output_shape),
        parameters=count,
        frozen=count if getattr(layer, "frozen", False) else 0,
        buffers=sum(math.prod(sizes) for sizes in node.buffers.values()),
        flops=layer.flops(node.input_shapes, node.output_shape),
        activation_bytes=layer.activation_size(node.input_shapes, node.output_shape) * bytes_per_value,
        implied=node.implied,
    )


def _table(summary: Summary) -> list[str]:
    heads = ["Layer", "Type", "Output", "Parameters", "FLOPs", "Activations a sample"]
    each = _bytes(summary.input_bytes) if len(summary.inputs) == 1 else ""
    cells = [[name, "input", shape, "0", "0", each] for name, shape in summary.inputs]
    for row in summary.rows:
        mark = " *" if row.implied else ""
        frozen = " (frozen)" if row.frozen else ""
        cells.append(
            [row.name + mark, row.type, row.output_shape, f"{row.parameters:,}{frozen}", _human(row.flops), _bytes(row.activation_bytes)]
        )
    if not summary.chain:
        heads.insert(2, "From")
        for cell, sources in zip(cells, [*((),) * len(summary.inputs), *(row.inputs for row in summary.rows)], strict=True):
            cell.insert(2, ", ".join(sources))
    return _aligned(heads, cells, left=len(heads) - 3)


def _aligned(heads: Sequence[str], cells: Sequence[Sequence[str]], left: int) -> list[str]:
    """Columns of equal width: the first ``left`` aligned to the left, the others to the right."""
    widths = [max(len(head), *(len(row[column]) for row in cells)) for column, head in enumerate(heads)]

    def line(values: Sequence[str]) -> str:
        padded = [
            value.ljust(width) if column < left else value.rjust(width)
            for column, (value, width) in enumerate(zip(values, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    return [line(heads), "  ".join("-" * width for width in widths), *(line(row) for row in cells)]


def _human(count: float) -> str:
    """A count in thousands, millions ..., with three digits.

    Example:
        >>> _human(950), _human(12_345), _human(4_600_000)
        ('950', '12.3 k', '4.6 M')
    """
    for unit in ("", " k", " M", " G", " T"):
        if count < 1000 or unit == " T":
            break
        count /= 1000
    return f"{count:.0f}" if not unit else f"{count:.3g}{unit}" if count < 999.5 else f"{count:.0f}{unit}"


def _bytes(count: float) -> str:
    """Memory in binary units.

    Example:
        >>> _bytes(512), _bytes(1536), _bytes(5 * 2**30)
        ('512 B', '1.5 KiB', '5.0 GiB')
    """
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024 or unit == "TiB":
            break
        count /= 1024
    return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
