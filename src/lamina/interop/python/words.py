"""Words without weights as expressions."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.interop.emission.draft import Operation, Value
from lamina.interop.python.source import Source, number, renders, several

CALLS = {
    **{"relu": "torch.relu", "sigmoid": "torch.sigmoid", "tanh": "torch.tanh", "exp": "torch.exp", "log": "torch.log"},
    **{"sqrt": "torch.sqrt", "abs": "torch.abs", "sin": "torch.sin", "cos": "torch.cos", "erf": "torch.erf", "floor": "torch.floor"},
    **{"softsign": "F.softsign", "selu": "F.selu", "silu": "F.silu", "hardswish": "F.hardswish", "mish": "F.mish"},
    **{"logsigmoid": "F.logsigmoid"},
}
INFIX = {
    **{"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "equal": "==", "less": "<", "greater": ">", "and": "&", "or": "|"},
    "matmul": "@",
}


@renders(*CALLS)
def _call(s: Source, op: Operation) -> str:
    return f"{CALLS[op.kind]}({s.text(op.inputs[0])})"


@renders(*INFIX)
def _infix(s: Source, op: Operation) -> str:
    return f"{s.atom(op.inputs[0])} {INFIX[op.kind]} {s.atom(op.inputs[1])}"


@renders("identity")
def _identity(s: Source, op: Operation) -> str:
    return s.text(op.inputs[0])


@renders("neg")
def _neg(s: Source, op: Operation) -> str:
    return f"-{s.atom(op.inputs[0])}"


@renders("not")
def _not(s: Source, op: Operation) -> str:
    return f"~{s.atom(op.inputs[0])}"


@renders("maximum", "minimum")
def _extreme(s: Source, op: Operation) -> str:
    one, other = op.inputs
    if not isinstance(other, Value):
        return f"{s.atom(one)}.clamp({'min' if op.kind == 'maximum' else 'max'}={s.text(other)})"
    return f"torch.{op.kind}({s.text(one)}, {s.text(other)})"


@renders("where")
def _where(s: Source, op: Operation) -> str:
    return f"torch.where({', '.join(map(s.text, op.inputs))})"


@renders("cast")
def _cast(s: Source, op: Operation) -> str:
    kind = {"int": "int64", "bool": "bool"}.get(op.settings["to"], s.dtype.name)
    return f"{s.atom(op.inputs[0])}.to(torch.{kind})"


@renders("clamp")
def _clamp(s: Source, op: Operation) -> str:
    limits = [
        f"{key}={s.text(op.settings[word])}" for key, word in (("min", "minimum"), ("max", "maximum")) if op.settings[word] is not None
    ]
    return f"{s.atom(op.inputs[0])}.clamp({', '.join(limits)})"


@renders("hardsigmoid")
def _hardsigmoid(s: Source, op: Operation) -> str:
    return f"({s.atom(op.inputs[0])} * {number(op.settings['slope'])} + 0.5).clamp(0, 1)"


_SET = {
    "leaky_relu": ("F.leaky_relu", "slope"),
    "elu": ("F.elu", "alpha"),
    "celu": ("F.celu", "alpha"),
    "softshrink": ("F.softshrink", "threshold"),
    "hardshrink": ("F.hardshrink", "threshold"),
    "softplus": ("F.softplus", "beta"),
}


@renders(*_SET)
def _set(s: Source, op: Operation) -> str:
    call, word = _SET[op.kind]
    return f"{call}({s.text(op.inputs[0])}, {number(op.settings[word])})"


@renders("threshold")
def _threshold(s: Source, op: Operation) -> str:
    return f"F.threshold({s.text(op.inputs[0])}, {number(op.settings['threshold'])}, {number(op.settings['value'])})"


@renders("gelu")
def _gelu(s: Source, op: Operation) -> str:
    return f"F.gelu({s.text(op.inputs[0])}" + (', approximate="tanh")' if op.settings["approximate"] else ")")


@renders("softmax", "log_softmax")
def _softmax(s: Source, op: Operation) -> str:
    return f"torch.{op.kind}({s.text(op.inputs[0])}, {op.settings['axis']})"


# -- along axes ---------------------------------------------------------------------------------------------------------


@renders("mean", "sum", "amax", "amin", "any", "all")
def _reduce(s: Source, op: Operation) -> str:
    axes = op.settings["axes"]
    shown = str(axes[0]) if len(axes) == 1 else f"({', '.join(map(str, axes))})"
    return f"{s.atom(op.inputs[0])}.{op.kind}({shown}{', keepdim=True' if op.settings['keep'] else ''})"


@renders("l2")
def _l2(s: Source, op: Operation) -> str:
    keep = ", keepdim=True" if op.settings["keep"] else ""
    return f"torch.linalg.vector_norm({s.text(op.inputs[0])}, dim={op.settings['axes']}{keep})"


@renders("cumsum")
def _cumsum(s: Source, op: Operation) -> str:
    return f"{s.atom(op.inputs[0])}.cumsum({op.settings['axis']})"


@renders("sort")
def _sort(s: Source, op: Operation) -> str:
    return f"{s.atom(op.inputs[0])}.sort({op.settings['axis']}, descending=True).values"


# -- elsewhere ----------------------------------------------------------------------------------------------------------


def _sizes(s: Source, op: Operation) -> str:
    """Sizes of a shape; what is as it was is asked of the tensor."""
    values = iter(op.inputs[1:])
    first: Any = op.inputs[0]
    parts = []
    for size in op.settings["sizes"]:
        if size == "value":
            parts.append(s.text(next(values)))
        elif isinstance(size, tuple):
            parts.append(f"{s.variable(first)}.shape[{size[1]}]")
        else:
            parts.append(str(size))
    return ", ".join(parts)


@renders("reshape")
def _reshape(s: Source, op: Operation) -> str:
    sizes = _sizes(s, op)
    return f"{s.atom(op.inputs[0])}.reshape({sizes})"


@renders("expand")
def _expand(s: Source, op: Operation) -> str:
    return f"{s.atom(op.inputs[0])}.expand({_sizes(s, op)})"


@renders("flatten")
def _flatten(s: Source, op: Operation) -> str:
    return f"{s.atom(op.inputs[0])}.flatten(1)"


@renders("transpose")
def _transpose(s: Source, op: Operation) -> str:
    order = list(op.settings["order"])
    moved = [place for place, axis in enumerate(order) if place != axis]
    if not moved:
        return s.text(op.inputs[0])
    if len(moved) == 2:
        return f"{s.atom(op.inputs[0])}.transpose({moved[0]}, {moved[1]})"
    return f"{s.atom(op.inputs[0])}.permute({', '.join(map(str, order))})"


@renders("unsqueeze")
def _unsqueeze(s: Source, op: Operation) -> str:
    return s.atom(op.inputs[0]) + "".join(f".unsqueeze({axis})" for axis in op.settings["axes"])


@renders("squeeze")
def _squeeze(s: Source, op: Operation) -> str:
    return f"{s.atom(op.inputs[0])}.squeeze({op.settings['axis']})"


@renders("concat")
def _concat(s: Source, op: Operation) -> str:
    inner = ", ".join(map(s.text, op.inputs)) + ("," if len(op.inputs) == 1 else "")
    return f"torch.cat(({inner}), {op.settings['axis']})"


@renders("slice")
def _slice(s: Source, op: Operation) -> str:
    axis, start, stop, step = (op.settings[key] for key in ("axis", "start", "stop", "step"))
    before, after = "" if start is None else str(start), "" if stop is None else str(stop)
    if step < 0:
        x = s.variable(op.inputs[0])  # type: ignore[arg-type]
        return f"{x}.index_select({axis}, torch.tensor(range({x}.shape[{axis}])[{before}:{after}:{step}], device={x}.device))"
    return f"{s.atom(op.inputs[0])}[{':, ' * axis}{before}:{after}{f':{step}' if step != 1 else ''}]"


@renders("head")
def _head(s: Source, op: Operation) -> str:
    return f"{s.atom(op.inputs[0])}[: {s.text(op.inputs[1])}]"


@renders("flip")
def _flip(s: Source, op: Operation) -> str:
    return f"{s.atom(op.inputs[0])}.flip({op.settings['axis']})"


@renders("take")
def _take(s: Source, op: Operation) -> str:
    return f"{s.atom(op.inputs[0])}[{':, ' * op.settings['axis']}{op.settings['index']}]"


@renders("gather")
def _gather(s: Source, op: Operation) -> str:
    table, places = op.inputs
    if getattr(places, "rank", 1) == 1:
        return f"{s.atom(table)}[{':, ' * op.settings['axis']}{s.text(places)}]"
    return f"F.embedding({s.text(places)}, {s.text(table)})"


@renders("take_steps")
def _take_steps(s: Source, op: Operation) -> str:
    return f"{s.needs('take_steps')}({s.text(op.inputs[0])}, {s.text(op.inputs[1])})"


@renders("untake_steps")
def _untake(s: Source, op: Operation) -> str:
    return f"{s.needs('take_steps')}({s.text(op.inputs[0])}, {s.atom(op.inputs[1])}.argsort(1))"


@renders("real_first")
def _real_first(s: Source, op: Operation) -> str:
    return f"torch.argsort({s.atom(op.inputs[0])}.logical_not().to(torch.uint8), dim=1, stable=True)"


@renders("pad")
def _pad(s: Source, op: Operation) -> str:
    pairs = list(op.settings["pads"])
    mode, value = op.settings["mode"], op.settings["value"]
    while len(pairs) > 1 and pairs[0] == (0, 0) and (mode != "constant" or len(pairs) > 2):
        pairs.pop(0)
    flat = [amount for pair in reversed(pairs) for amount in pair]
    shown = f"({', '.join(map(str, flat))})"
    if mode == "constant":
        return f"F.pad({s.text(op.inputs[0])}, {shown}{f', value={number(value)}' if value else ''})"
    return f'F.pad({s.text(op.inputs[0])}, {shown}, mode="{mode}")'


@renders("tile")
def _tile(s: Source, op: Operation) -> str:
    return f"{s.atom(op.inputs[0])}.repeat({', '.join(map(str, op.settings['repeats']))})"


@renders("size")
def _size(s: Source, op: Operation) -> str:
    return f"{s.variable(op.inputs[0])}.shape[{op.settings['axis']}]"  # type: ignore[arg-type]


@renders("arange")
def _arange(s: Source, op: Operation) -> str:
    count = s.text(op.inputs[0])
    return f"torch.arange({count}, device={count.partition('.')[0]}.device)"


@renders("one_hot")
def _one_hot(s: Source, op: Operation) -> str:
    return f"F.one_hot({s.text(op.inputs[0])}, {op.settings['depth']}).to(torch.{s.dtype.name})"


@renders("einsum")
def _einsum(s: Source, op: Operation) -> str:
    return f'torch.einsum("{op.settings["equation"]}", {", ".join(map(s.text, op.inputs))})'


@renders("attention")
def _attention(s: Source, op: Operation) -> str:
    q, k, v, allowed, bias = op.inputs
    if bias is not None and (allowed is not None or op.settings["causal"]):
        seen = s.atom(allowed) if allowed is not None else f"{s.needs('up_to_own')}({s.text(q)}, {s.text(k)})"
        mask = f"{s.atom(bias)}.masked_fill(~{seen}, -torch.inf)"
    else:
        mask = s.text(allowed if allowed is not None else bias)
    more = [] if mask == "None" else [f"attn_mask={mask}"]
    if op.settings["causal"] and bias is None:
        more.append("is_causal=True")
    return f"F.scaled_dot_product_attention({', '.join([s.text(q), s.text(k), s.text(v), *more])})"


# -- windows ------------------------------------------------------------------------------------------------------------


def padded(s: Source, op: Operation, *, half: bool, value: str = "") -> tuple[str, Any]:
    """The input, padded first where torch's own padding can't; and that padding."""
    pads, x = op.settings["pads"], s.text(op.inputs[0])
    window = op.settings.get("window") or op.weights["weight"].shape[2:]
    if pads in ("same", "ceil"):
        ones = (1,) * len(window)
        if pads == "ceil":
            return x, 0
        settings = ", ".join(str(tuple(item)) for item in (window, op.settings["strides"], op.settings.get("dilations", ones)))
        return f"{s.needs('pad_same')}({x}, {settings}{value and f', {value}'})", 0
    limits = [size // 2 if half else before for size, (before, _) in zip(window, pads, strict=True)]
    if all(before == after <= limit for (before, after), limit in zip(pads, limits, strict=True)):
        return x, [before for before, _ in pads]
    flat = [amount for pair in reversed(pads) for amount in pair]
    return f"F.pad({x}, ({', '.join(map(str, flat))}){value and f', value={value}'})", 0


def _settings(padding: Any, pairs: list[tuple[str, Any, Any]]) -> str:
    found = [f"{word}={several(items)}" for word, items, default in pairs if list(items) != [default] * len(items)]
    if padding and any(padding):
        found.append(f"padding={several(padding)}")
    return "".join(f", {item}" for item in found)


@renders("max_pool")
def _max_pool(s: Source, op: Operation) -> str:
    x, padding = padded(s, op, half=True, value="-torch.inf")
    window = op.settings["window"]
    rest = _settings(padding, [("dilation", op.settings["dilations"], 1)])
    ceil = ", ceil_mode=True" if op.settings["pads"] == "ceil" else ""
    return f"F.max_pool{len(window)}d({x}, {several(window)}, {several(op.settings['strides'])}{rest}{ceil})"


@renders("avg_pool")
def _avg_pool(s: Source, op: Operation) -> str:
    x, padding = padded(s, op, half=True)
    window, include = op.settings["window"], op.settings["include"]
    call = f"F.avg_pool{len(window)}d"
    shown = f"{several(window)}, {several(op.settings['strides'])}"
    rest = _settings(padding, [])
    if op.settings["pads"] == "ceil":
        return f"{call}({x}, {shown}, ceil_mode=True, count_include_pad={include})"
    if x == s.text(op.inputs[0]) or include:
        return f"{call}({x}, {shown}{rest}{'' if include or not rest else ', count_include_pad=False'})"
    ones = x.replace(s.text(op.inputs[0]), f"torch.ones_like({s.text(op.inputs[0])})", 1)
    return f"{call}({x}, {shown}) / {call}({ones}, {shown}).clamp(min={1 / float(np.prod(window))!r})"


@renders("upsample")
def _upsample(s: Source, op: Operation) -> str:
    factors, mode = op.settings["factors"], op.settings["mode"]
    align = "" if mode == "nearest" else f", align_corners={op.settings['align']}"
    return f'F.interpolate({s.text(op.inputs[0])}, scale_factor={several(factors)}, mode="{mode}"{align})'


@renders("local_response_norm")
def _local_response_norm(s: Source, op: Operation) -> str:
    settings = ", ".join(number(op.settings[key]) for key in ("size", "alpha", "beta", "k"))
    return f"F.local_response_norm({s.text(op.inputs[0])}, {settings})"
