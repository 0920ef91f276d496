"""Words with weights as modules of torch's."""

from __future__ import annotations

import re

import numpy as np

from lamina.interop.emission.draft import Operation, Weight
from lamina.interop.python.source import Source, number, renders, several
from lamina.interop.python.words import padded
from lamina.network import activations as A


def _typed(s: Source) -> str:
    return "" if s.dtype == np.float32 else f", dtype=torch.{s.dtype.name}"


def _shape(op: Operation, role: str = "weight") -> tuple[int, ...]:
    return op.weights[role].shape


@renders("linear")
def _linear(s: Source, op: Operation) -> str:
    rows, columns = _shape(op)
    made = f"nn.Linear({columns}, {rows}{'' if 'bias' in op.weights else ', bias=False'}{_typed(s)})"
    if s.owned(op.weights, made):
        rest = f", {s.weight(op.weights['bias'])}" if "bias" in op.weights else ""
        return f"F.linear({s.text(op.inputs[0])}, {s.weight(op.weights['weight'])}{rest})"
    return f"{s.module(op, made, dict(op.weights))}({s.text(op.inputs[0])})"


@renders("conv")
def _conv(s: Source, op: Operation) -> str:
    weight, groups = _shape(op), op.settings["groups"]
    axes = len(weight) - 2
    x, padding = padded(s, op, half=False)
    parts = [str(weight[1] * groups), str(weight[0]), several(weight[2:])]
    for word, items, usual in (
        ("stride", op.settings["strides"], 1),
        ("padding", padding or [0], 0),
        ("dilation", op.settings["dilations"], 1),
    ):
        if any(item != usual for item in items):
            parts.append(f"{word}={several(items)}")
    parts += [f"groups={groups}"] if groups != 1 else []
    parts += ["bias=False"] if "bias" not in op.weights else []
    made = f"nn.Conv{axes}d({', '.join(parts)}{_typed(s)})"
    return f"{s.module(op, made, dict(op.weights))}({x})"


@renders("conv_transpose")
def _conv_transpose(s: Source, op: Operation) -> str:
    weight, groups = _shape(op), op.settings["groups"]
    axes = len(weight) - 2
    parts = [str(weight[0]), str(weight[1] * groups), several(weight[2:])]
    words = (("stride", "strides", 1), ("padding", "crops", 0), ("output_padding", "extra", 0), ("dilation", "dilations", 1))
    parts += [f"{word}={several(op.settings[key])}" for word, key, usual in words if any(item != usual for item in op.settings[key])]
    parts += [f"groups={groups}"] if groups != 1 else []
    parts += ["bias=False"] if "bias" not in op.weights else []
    made = f"nn.ConvTranspose{axes}d({', '.join(parts)}{_typed(s)})"
    return f"{s.module(op, made, dict(op.weights))}({s.text(op.inputs[0])})"


@renders("embedding")
def _embedding(s: Source, op: Operation) -> str:
    made = f"nn.Embedding({_shape(op)[0]}, {_shape(op)[1]}{_typed(s)})"
    if s.owned(op.weights, made):
        return f"F.embedding({s.text(op.inputs[0])}, {s.weight(op.weights['weight'])})"
    return f"{s.module(op, made, dict(op.weights))}({s.text(op.inputs[0])})"


def _affine(s: Source, op: Operation) -> str:
    """Keyword arguments of weight and bias for a function."""
    return "".join(f", {role}={s.weight(op.weights[role])}" for role in ("weight", "bias") if role in op.weights)


def _both(op: Operation) -> bool | None:
    """Whether there are weight and bias; None: one of them."""
    count = len({"weight", "bias"} & set(op.weights))
    return {0: False, 1: None, 2: True}[count]


@renders("batch_norm")
def _batch_norm(s: Source, op: Operation) -> str:
    x, epsilon, both = s.text(op.inputs[0]), number(op.settings["epsilon"]), _both(op)
    rank = getattr(op.inputs[0], "rank", 2)
    if both is None:
        mean, var = s.weight(op.weights["mean"]), s.weight(op.weights["var"])
        return f"F.batch_norm({x}, {mean}, {var}{_affine(s, op)}, eps={epsilon})"
    affine = "" if both else ", affine=False"
    made = f"nn.BatchNorm{max(rank - 2, 1)}d({_shape(op, 'mean')[0]}, eps={epsilon}{affine}{_typed(s)})"
    tensors: dict[str, Weight | np.ndarray] = {"running_mean": op.weights["mean"], "running_var": op.weights["var"]}
    tensors |= {role: op.weights[role] for role in ("weight", "bias") if role in op.weights}
    tensors["num_batches_tracked"] = np.asarray(0, np.int64)
    return f"{s.module(op, made, tensors)}({x})"


@renders("layer_norm")
def _layer_norm(s: Source, op: Operation) -> str:
    x, epsilon, both = s.text(op.inputs[0]), number(op.settings["epsilon"]), _both(op)
    sizes = op.settings["sizes"]
    shown = str(sizes[0]) if len(sizes) == 1 else str(tuple(sizes))
    if both is None and "bias" in op.weights:
        return f"F.layer_norm({x}, {tuple(sizes)}{_affine(s, op)}, eps={epsilon})"
    more = ", elementwise_affine=False" if both is False else ", bias=False" if both is None else ""
    made = f"nn.LayerNorm({shown}, eps={epsilon}{more}{_typed(s)})"
    return f"{s.module(op, made, dict(op.weights))}({x})"


@renders("rms_norm")
def _rms_norm(s: Source, op: Operation) -> str:
    sizes = op.settings["sizes"]
    more = "" if "weight" in op.weights else ", elementwise_affine=False"
    made = f"nn.RMSNorm({sizes[0]}, eps={number(op.settings['epsilon'])}{more}{_typed(s)})"
    return f"{s.module(op, made, dict(op.weights))}({s.text(op.inputs[0])})"


@renders("group_norm", "instance_norm")
def _group_norm(s: Source, op: Operation) -> str:
    """A norm of each channel by itself is one of groups of one channel."""
    x, epsilon, both = s.variable(op.inputs[0]), number(op.settings["epsilon"]), _both(op)  # type: ignore[arg-type]
    weight = op.weights.get("weight") or op.weights.get("bias")
    count = f"{x}.shape[1]" if weight is None else str(weight.shape[0])
    groups = op.settings.get("groups", count)
    if both is not True:
        return f"F.group_norm({x}, {groups}{_affine(s, op)}, eps={epsilon})"
    made = f"nn.GroupNorm({groups}, {count}, eps={epsilon}{_typed(s)})"
    return f"{s.module(op, made, dict(op.weights))}({x})"


@renders("prelu")
def _prelu(s: Source, op: Operation) -> str:
    weight = op.weights["weight"]
    if weight.rank > 1:
        return f"F.prelu({s.text(op.inputs[0])}, {s.weight(weight)}.flatten())"
    return f"{s.module(op, f'nn.PReLU({weight.shape[0]}{_typed(s)})', dict(op.weights))}({s.text(op.inputs[0])})"


# -- recurrence ---------------------------------------------------------------------------------------------------------


@renders("recurrent")
def _recurrent(s: Source, op: Operation) -> str:
    settings = op.settings
    cell, x, lengths = settings["cell"], s.text(op.inputs[0]), op.inputs[1]
    memory = [s.text(value) for value in op.inputs[2:]]
    if not _has_kernel(op):
        return _steps(s, op)
    made, tensors = _kernel(s, op)
    module = s.module(op, made, tensors)
    start = "None" if memory[0] == "None" else memory[0] if cell != "lstm" else f"({', '.join(memory)})"
    given = [module, x, start]
    if lengths is not None:
        given.append(s.text(lengths))
    if settings["direction"] == "reverse":
        given.append("reverse=True")
    return f"{s.needs('run_' + ('lstm' if cell == 'lstm' else 'rnn'))}({', '.join(given)})"


def _has_kernel(op: Operation) -> bool:
    """Whether torch has a module that computes it."""
    settings = op.settings
    plain = type(settings["activation"]) is A.Tanh and (settings["gate"] is None or type(settings["gate"]) is A.Sigmoid)
    relu = settings["cell"] == "rnn" and type(settings["activation"]) is A.Relu
    own = any(role.endswith(("peephole", "gain_ih")) for role in op.weights)
    return (plain or relu) and bool(settings["reset_after"]) and not own


def _steps(s: Source, op: Operation) -> str:
    """One step after another, by functions that are written into the source."""
    settings, cell = op.settings, op.settings["cell"]
    step = s.needs("gru_step_reset_before" if cell == "gru" and not settings["reset_after"] else f"{cell}_step")
    s.needs("run_cells")
    sizes = [settings["width"], settings["units"]][: len(op.outputs) - 1]
    start = [str(size) if value is None else s.text(value) for size, value in zip(sizes, op.inputs[2:], strict=True)]
    words = [f"activation={_function(s, settings['activation'])}"]
    words += [f"gate={_function(s, settings['gate'])}"] if settings["gate"] is not None else []
    words.append(f"epsilon={number(settings['epsilon'])}")
    calls = []
    for prefix in settings["prefixes"]:
        tensors = {role.removeprefix(prefix): weight for role, weight in op.weights.items() if role.startswith(prefix)}
        inner = ", ".join(f'"{name}": torch.empty({tuple(weight.shape)}{_typed(s)})' for name, weight in tensors.items())
        module = s.module(op, f"nn.ParameterDict({{{inner}}})", dict(tensors))
        reverse = prefix == "backward_" or settings["direction"] == "reverse"
        given = [
            step,
            module,
            s.text(op.inputs[0]),
            f"({', '.join(start)},)",
            *([s.text(op.inputs[1])] if op.inputs[1] is not None else []),
        ]
        calls.append(f"run_cells({', '.join([*given, *(['reverse=True'] if reverse else []), *words])})")
    return calls[0] if len(calls) == 1 else f"{s.needs('both_ways')}({', '.join(calls)})"


def _function(s: Source, activation: A.Activation) -> str:
    """An activation as a function."""
    text = s.function_of(activation)
    call = re.fullmatch(r"([\w.]+)\(x\)", text)
    return call[1] if call else f"lambda x: {text}"


def _kernel(s: Source, op: Operation) -> tuple[str, dict[str, Weight | np.ndarray]]:
    """The module of torch's that computes it, and its tensors."""
    settings, cell = op.settings, op.settings["cell"]
    relu = type(settings["activation"]) is A.Relu
    prefixes = settings["prefixes"]
    features, units = op.weights[f"{prefixes[0]}weight_ih"].shape[1], settings["units"]
    biased = f"{prefixes[0]}bias_ih" in op.weights
    parts = [str(features), str(units)]
    parts += ['nonlinearity="relu"'] if relu else []
    parts += [] if biased else ["bias=False"]
    parts.append("batch_first=True")
    parts += ["bidirectional=True"] if len(prefixes) == 2 else []
    parts += [f"proj_size={settings['width']}"] if settings["width"] != units else []
    tensors: dict[str, Weight | np.ndarray] = {}
    for prefix, end in zip(prefixes, ("_l0", "_l0_reverse"), strict=False):
        for role in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"):
            if f"{prefix}{role}" in op.weights:
                tensors[f"{role}{end}"] = op.weights[f"{prefix}{role}"]
        if biased and f"bias_hh{end}" not in tensors:
            tensors[f"bias_hh{end}"] = np.zeros(op.weights[f"{prefix}bias_ih"].shape, s.dtype)
    return f"nn.{cell.upper()}({', '.join(parts)}{_typed(s)})", tensors
