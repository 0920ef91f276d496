from __future__ import annotations

import pytest
import torch

from lamina.engine.device import choose_device
from lamina.engine.precision import Precision
from lamina.errors import DescriptionError

CPU = torch.device("cpu")


@pytest.fixture
def two_cuda_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.usefixtures("two_cuda_devices")
def test_auto_takes_the_first_cuda_device() -> None:
    assert choose_device("auto") == torch.device("cuda", 0)
    assert choose_device("cuda") == torch.device("cuda", 0)
    assert choose_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.usefixtures("two_cuda_devices")
def test_a_number_too_high_is_refused_with_the_devices_there_are() -> None:
    with pytest.raises(DescriptionError) as caught:
        choose_device("cuda:2")
    assert caught.value.code == "EN010"
    assert "cuda:1" in caught.value.problems[0].expected
    assert caught.value.problems[0].fix == "set device: auto, or device: cuda:1 at most"


def test_without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == CPU
    for name in ("cuda", "cuda:0", "mps", "tpu"):
        with pytest.raises(DescriptionError) as caught:
            choose_device(name)
        assert caught.value.problems[0].fix == "set device: auto"


@pytest.mark.parametrize(("name", "kind"), [("float16", "cpu"), ("float64", "mps")])
def test_what_a_device_cannot_compute_is_refused(name: str, kind: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        Precision(name, torch.device(kind))  # type: ignore[arg-type]
    assert caught.value.code == "EN011"
    assert caught.value.problems[0].fix.startswith("set precision: ")


def test_bfloat16_computes_products_in_half_and_keeps_weights() -> None:
    precision = Precision("bfloat16", CPU)
    weight = torch.randn(3, 3)
    with precision.autocast():
        assert (weight @ weight).dtype == torch.bfloat16
    assert (weight @ weight).dtype == torch.float32
    assert precision.dtype == torch.float32


def test_auto_is_exact_on_the_cpu() -> None:
    precision = Precision("auto", CPU)
    assert (precision.name, precision.half) == ("float32", None)
    assert Precision("float64", CPU).dtype == torch.float64


def test_the_scale_halves_on_overflow_and_doubles_after_good_steps() -> None:
    precision = Precision("float16", torch.device("cuda"))
    gradient = torch.tensor([65536.0, -131072.0])
    assert precision.unscale(gradient)
    assert gradient.tolist() == [1.0, -2.0]
    assert not precision.unscale(torch.tensor([1.0, float("inf")]))
    assert not precision.unscale(torch.tensor([float("nan"), 1.0]))
    assert (precision.scale, precision.skipped) == (16384.0, 2)
    other = Precision("float16", torch.device("cuda"))
    other.load_state_dict(precision.state_dict())
    for _ in range(2000):
        assert other.unscale(torch.ones(1))
    assert (other.scale, other.skipped) == (32768.0, 2)
    assert other.state_dict() != precision.state_dict()
