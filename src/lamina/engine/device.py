"""Where to compute."""

from __future__ import annotations

import torch

from lamina.errors import DescriptionError


def choose_device(name: str) -> torch.device:
    """The device a recipe names.

    Args:
        name: ``auto`` (CUDA if there is any, then MPS, then the CPU), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Raises:
        DescriptionError: EN010, if torch can't compute there.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if cuda else "mps" if mps else "cpu"
    kind, _, number = name.partition(":")
    there = {"cpu": 1, "cuda": cuda, "mps": 1 if mps else 0}.get(kind, 0)
    index = int(number) if number.isdigit() else 0
    if index >= there or (number and not number.isdigit()):
        devices = ["cpu", *(f"cuda:{i}" for i in range(cuda)), *(["mps"] if mps else [])]
        raise DescriptionError(
            "EN010",
            where=f"device {name!r}",
            expected=f"auto, or one of {', '.join(devices)}",
            got=repr(name),
            cause=_cause(kind, cuda),
            fix="set device: auto" + (f", or device: cuda:{cuda - 1} at most" if kind == "cuda" and cuda else ""),
        )
    # With its number, so that tensors' own devices compare equal to it.
    return torch.device(kind, index) if kind == "cuda" else torch.device(kind)


def _cause(kind: str, cuda: int) -> str:
    if kind == "cuda" and torch.version.cuda is None:
        return "this build of torch can't compute on CUDA devices"
    if kind == "cuda":
        return f"torch finds {cuda} CUDA devices here" if cuda else "torch finds no CUDA device or no driver here"
    return "torch can't compute on it here"
