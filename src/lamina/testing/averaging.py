"""Contract suite of averages: what each of them must do, ours and third parties'."""

from __future__ import annotations

import torch
from torch import nn

from lamina.engine.averaging import Average
from lamina.engine.parameters import FlatParameters
from lamina.learning.averaging import Averaging
from lamina.testing.promises import check_round_trips, drawn, promise

STEPS_PER_EPOCH, EPOCHS = 5, 12


def check_averaging(averaging: Averaging) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> from lamina.learning import Ema
        >>> check_averaging(Ema(0.9))
    """
    check_round_trips(averaging)
    bound = averaging.bind(total_steps=STEPS_PER_EPOCH * EPOCHS, total_epochs=EPOCHS)
    check_times(bound)
    check_values(bound)
    check_resume(bound)


def check_times(averaging: Averaging) -> None:
    """It begins when it says, and the first values count in full, later ones in part."""
    begins, unit = averaging.begins()
    due = [count for count in range(1, 200) if averaging.due(count, unit)]
    promise(due and due[0] == begins, "the first time is the one it names")
    promise(averaging.share(0) == 1.0, "the first values are the average")
    promise(all(0 < averaging.share(taken) < 1 for taken in range(1, 50)), "later values count in part")


def check_values(averaging: Averaging) -> None:
    """An average lies within what was taken, that of equal values is that value, and presenting it is undone to the bit."""
    for dtype in (torch.float32, torch.float64):
        net, flat, average = _start(averaging, dtype)
        taken = []
        for number in range(4):
            flat.vector.copy_(drawn((flat.size,), seed=number, dtype=dtype))
            taken.append(flat.vector.clone())
            average.take()
        before = [tensor.clone() for tensor in (flat.vector, *net.buffers())]
        average.present(lambda: None)
        low, high = torch.stack(taken).amin(0), torch.stack(taken).amax(0)
        promise(bool(((flat.vector >= low - 1e-6) & (flat.vector <= high + 1e-6)).all()), "an average lies within what was taken")
        average.withdraw()
        same = all(torch.equal(a, b) for a, b in zip(before, (flat.vector, *net.buffers()), strict=True))
        promise(same, "presenting the average is undone to the bit")
        _, flat, average = _start(averaging, dtype)
        value = flat.vector.clone()
        for _ in range(5):
            average.take()
        average.present(lambda: None)
        promise(torch.equal(flat.vector, value), "the average of equal values is that value")


def check_resume(averaging: Averaging) -> None:
    """A saved state, presented or not, goes on to the same bits."""
    for presented in (False, True):
        _, flat, average = _start(averaging, torch.float32)
        flat.vector.copy_(drawn((flat.size,), dtype=torch.float32))
        average.take()
        flat.vector.copy_(drawn((flat.size,), seed=1, dtype=torch.float32))
        average.take()
        trained = flat.vector.clone()
        if presented:
            average.present(lambda: None)
        numbers, tensors = average.state_dict()
        kept = {name: tensor.clone() for name, tensor in tensors.items()}
        average.withdraw()
        _, other_flat, other = _start(averaging, torch.float32)
        other.load_state_dict(numbers, kept)
        promise(torch.equal(other_flat.vector, trained), "a loaded state gives the trained values back")
        for one in (average, other):
            one.take()
            one.present(lambda: None)
        promise(torch.equal(other_flat.vector, flat.vector), "and the average goes on to the same bits")


def _start(averaging: Averaging, dtype: torch.dtype) -> tuple[nn.Module, FlatParameters, Average]:
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2)).to(dtype)
    flat = FlatParameters(net)
    flat.vector.copy_(drawn((flat.size,), seed=9, dtype=dtype))
    return net, flat, Average(averaging, net, flat)
