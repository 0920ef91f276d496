"""Functions that exported source needs now and then, as they are written into it."""

from __future__ import annotations

FUNCTIONS = {
    "take_steps": '''
def take_steps(x: Tensor, order: Tensor) -> Tensor:
    """The steps of ``x [batch, steps, ...]`` at these positions, each sequence by itself."""
    places = order.reshape(*order.shape, *(1,) * (x.dim() - 2)).expand(*order.shape, *x.shape[2:])
    return x.gather(1, places)
''',
    "up_to_own": '''
def up_to_own(queries: Tensor, keys: Tensor) -> Tensor:
    """Which keys are up to each query's own place."""
    places = [torch.arange(x.shape[2], device=x.device) for x in (queries, keys)]
    return places[1] <= places[0][:, None]
''',
    "pad_same": '''
def pad_same(
    x: Tensor, window: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...], value: float = 0.0
) -> Tensor:
    """Padding so that ``ceil(size / stride)`` windows fit; an odd position goes to the end."""
    amounts: list[int] = []
    for size, kernel, stride, dilation in zip(x.shape[2:], window, strides, dilations, strict=True):
        total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
        amounts = [total // 2, total - total // 2, *amounts]
    return F.pad(x, amounts, value=value)
''',
    "run_rnn": '''
def run_rnn(
    module: nn.Module, x: Tensor, start: Tensor | None, lengths: Tensor | None = None, *, reverse: bool = False
) -> tuple[Tensor, Tensor]:
    """Outputs ``[batch, steps, n]`` and the memory after the last step ``[batch, n]``; of each sequence ``lengths`` steps count."""
    if reverse:
        x = backward(x, lengths)
    before = None if start is None else start[None]
    if lengths is None:
        y, after = module(x, before)
    else:
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False)
        found, after = module(packed, before)
        y, _ = nn.utils.rnn.pad_packed_sequence(found, batch_first=True, total_length=x.shape[1])
        kept = torch.zeros_like(after) if before is None else before
        after = torch.where((lengths > 0)[None, :, None], after, kept)
    return backward(y, lengths) if reverse else y, after.transpose(0, 1).flatten(1)
''',
    "run_lstm": '''
def run_lstm(
    module: nn.Module,
    x: Tensor,
    start: tuple[Tensor, Tensor] | None,
    lengths: Tensor | None = None,
    *,
    reverse: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs ``[batch, steps, n]``, hidden state and cell after the last step; of each sequence ``lengths`` steps count."""
    if reverse:
        x = backward(x, lengths)
    before = None if start is None else (start[0][None].contiguous(), start[1][None].contiguous())
    if lengths is None:
        y, after = module(x, before)
    else:
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False)
        found, after = module(packed, before)
        y, _ = nn.utils.rnn.pad_packed_sequence(found, batch_first=True, total_length=x.shape[1])
        kept = [torch.zeros_like(part) for part in after] if before is None else before
        after = [torch.where((lengths > 0)[None, :, None], new, old) for new, old in zip(after, kept, strict=True)]
    hidden, cell = (part.transpose(0, 1).flatten(1) for part in after)
    return backward(y, lengths) if reverse else y, hidden, cell
''',
    "run_cells": '''
def run_cells(
    step: Callable[..., tuple[Tensor, ...]],
    p: nn.ParameterDict,
    x: Tensor,
    start: tuple[Tensor, ...],
    lengths: Tensor | None = None,
    *,
    reverse: bool = False,
    **settings: Any,
) -> tuple[Tensor, ...]:
    """Outputs ``[batch, steps, n]`` and the memory after the last step, one step after another."""
    if reverse:
        x = backward(x, lengths)
    memory = tuple(x.new_zeros(len(x), size) if isinstance(size, int) else size for size in start)
    outputs = []
    for number, fed in enumerate(product(p, x, "ih", settings["epsilon"]).unbind(1)):
        new = step(p, fed, memory, **settings)
        if lengths is not None:
            real = (number < lengths)[:, None]
            new = tuple(torch.where(real, after, before) for after, before in zip(new, memory, strict=True))
        memory = new
        outputs.append(memory[0])
    y = torch.stack(outputs, 1)
    return (backward(y, lengths) if reverse else y, *memory)
''',
    "both_ways": '''
def both_ways(one: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What two directions give, side by side."""
    return tuple(torch.cat(pair, -1) for pair in zip(one, other, strict=True))
''',
    "product": '''
def product(p: nn.ParameterDict, x: Tensor, end: str, epsilon: float) -> Tensor:
    """``W x + b``, normalised where there are gains."""
    bias = p[f"bias_{end}"] if f"bias_{end}" in p else None
    if f"gain_{end}" not in p:
        return F.linear(x, p[f"weight_{end}"], bias)
    y = F.linear(x, p[f"weight_{end}"])
    return F.layer_norm(y, y.shape[-1:], p[f"gain_{end}"], bias, epsilon)
''',
    "lstm_step": '''
def lstm_step(
    p: nn.ParameterDict, fed: Tensor, memory: tuple[Tensor, ...], *, activation: Activation, gate: Activation, epsilon: float
) -> tuple[Tensor, ...]:
    """Input, forget, candidate, output; with peepholes, gates see the cell too."""
    hidden, before = memory
    i, f, g, o = (fed + product(p, hidden, "hh", epsilon)).chunk(4, -1)
    if "peephole" in p:
        hole_i, hole_f, hole_o = p["peephole"].chunk(3)
        i, f = i + hole_i * before, f + hole_f * before
    cell = gate(f) * before + gate(i) * activation(g)
    if "peephole" in p:
        o = o + hole_o * cell
    shown = cell
    if "gain_cell" in p:
        shown = F.layer_norm(cell, cell.shape[-1:], p["gain_cell"], p["bias_cell"], epsilon)
    hidden = gate(o) * activation(shown)
    return (F.linear(hidden, p["weight_hr"]) if "weight_hr" in p else hidden), cell
''',
    "gru_step": '''
def gru_step(
    p: nn.ParameterDict, fed: Tensor, memory: tuple[Tensor, ...], *, activation: Activation, gate: Activation, epsilon: float
) -> tuple[Tensor, ...]:
    """Reset, update, candidate; what the product with the memory gives is reset."""
    r, z, n = fed.chunk(3, -1)
    recurrent_r, recurrent_z, recurrent_n = product(p, memory[0], "hh", epsilon).chunk(3, -1)
    update = gate(z + recurrent_z)
    return ((1 - update) * activation(n + gate(r + recurrent_r) * recurrent_n) + update * memory[0],)
''',
    "gru_step_reset_before": '''
def gru_step_reset_before(
    p: nn.ParameterDict, fed: Tensor, memory: tuple[Tensor, ...], *, activation: Activation, gate: Activation, epsilon: float
) -> tuple[Tensor, ...]:
    """Reset, update, candidate; the memory is reset before the product."""
    two = fed.shape[-1] // 3 * 2
    weight, bias = p["weight_hh"], p["bias_hh"] if "bias_hh" in p else None
    gates = gate(fed[:, :two] + F.linear(memory[0], weight[:two], None if bias is None else bias[:two]))
    reset, update = gates.chunk(2, -1)
    new = activation(fed[:, two:] + F.linear(reset * memory[0], weight[two:], None if bias is None else bias[two:]))
    return ((1 - update) * new + update * memory[0],)
''',
    "rnn_step": '''
def rnn_step(
    p: nn.ParameterDict, fed: Tensor, memory: tuple[Tensor, ...], *, activation: Activation, epsilon: float
) -> tuple[Tensor, ...]:
    """One product, one activation."""
    return (activation(fed + product(p, memory[0], "hh", epsilon)),)
''',
    "backward": '''
def backward(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Steps in reverse order; of each sequence the first ``lengths``."""
    if lengths is None:
        return x.flip(1)
    places = torch.arange(x.shape[1], device=x.device)[None]
    order = torch.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)
    return x.gather(1, order[:, :, None].expand_as(x))
''',
}
"""By name."""

NEEDS = {"run_rnn": ("backward",), "run_lstm": ("backward",), "run_cells": ("backward", "product")}
"""Which others a function calls."""


def written(names: set[str]) -> str:
    """Those functions, with what they call."""
    every = {*names, *(other for name in names for other in NEEDS.get(name, ()))}
    return "\n\n\n".join(text.strip("\n") for name, text in FUNCTIONS.items() if name in every)
