"""Archives that were cut, blown up, made to escape or to run code, or put together wrongly: every command refuses them."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm

COMMANDS = {
    "summary": lambda path: ("summary", path),
    "evaluate": lambda path: ("evaluate", path, "--data", "{source: {type: iris}}", "--part", "all"),
    "predict": lambda path: ("predict", path, path.parent / "new.csv", "-o", path.parent / "out.csv"),
}


class Harm:
    """What a pickle would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("pwned",))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that is fine."""
    path = tmp_path / "model.lamina"
    lm.Model(lm.Sequential(lm.features(4), [lm.Dense(8), lm.Output(3)]), seed=1).save(path)
    (tmp_path / "new.csv").write_text("a,b,c,d\n1,2,3,4\n")
    return path


def rewritten(path: Path, change: Callable[[dict[str, bytes]], object], *, compression: int = zipfile.ZIP_STORED) -> None:
    """Take the archive apart, change its members, and give it a manifest that fits."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    change(members)
    manifest = json.loads(members.pop("manifest.json"))
    manifest["members"] = {name: {"bytes": len(blob), "sha256": hashlib.sha256(blob).hexdigest()} for name, blob in members.items()}
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, blob in {"manifest.json": json.dumps(manifest).encode(), **members}.items():
            file.writestr(name, blob)


def cut(fraction: float) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(path.read_bytes()[: int(path.stat().st_size * fraction)]) and None


def member(name: str, blob: bytes) -> Callable[[Path], None]:
    return lambda path: rewritten(path, lambda members: members.update({name: blob}))


def described(change: Callable[[Any], object]) -> Callable[[Path], None]:
    def edit(members: dict[str, bytes]) -> None:
        data = json.loads(members["network.json"])
        change(data)
        members["network.json"] = json.dumps(data).encode()

    return lambda path: rewritten(path, edit)


def later(path: Path) -> None:
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    members["manifest.json"] = json.dumps({**json.loads(members["manifest.json"]), "format": 2, "lamina": "9.0"}).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, blob in members.items():
            file.writestr(name, blob)


def claims(path: Path) -> None:
    """The directory of the zip says that a member has 3 GB."""
    blob = bytearray(path.read_bytes())
    entry = blob.rfind(b"PK\x01\x02")
    blob[entry + 20 : entry + 28] = struct.pack("<II", 3_000_000_000, 3_000_000_000)
    path.write_bytes(blob)


def tensors(entries: dict[str, object], data: bytes = b"") -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + data


def of_another_network(path: Path) -> None:
    other = path.with_name("other.lamina")
    lm.Model(lm.Sequential(lm.features(4), [lm.Dense(9), lm.Output(3)]), seed=1).save(other)
    with zipfile.ZipFile(other) as file:
        blob = file.read("weights.safetensors")
    other.unlink()
    member("weights.safetensors", blob)(path)


def saved_by_torch(path: Path) -> None:
    import torch

    torch.save({"weight": torch.zeros(2)}, path)


ATTACKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "AR021"),
    "cut at 10 %": (cut(0.1), "AR021"),
    "cut in half": (cut(0.5), "AR021"),
    "cut at 99 %": (cut(0.99), "AR021"),
    "no zip": (lambda path: path.write_text("weights"), "AR021"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "AR021"),
    "gone": (lambda path: path.unlink(), "AR021"),
    "a pickle": (lambda path: path.write_bytes(pickle.dumps(Harm())), "AR021"),
    "saved by torch": (saved_by_torch, "AR023"),
    "a pickle inside": (member("weights.pkl", pickle.dumps(Harm())), "AR023"),
    "a pickle for weights": (member("weights.safetensors", pickle.dumps(Harm())), "AR022"),
    "code inside": (member("model.py", b"import os; os.mkdir('pwned')"), "AR023"),
    "a path upwards": (member("../pwned", b"x"), "AR023"),
    "an absolute path": (member("/tmp/pwned", b"x"), "AR023"),
    "a path of Windows": (member("..\\pwned", b"x"), "AR023"),
    "a bomb": (
        lambda path: rewritten(path, lambda m: m.update({"training.json": b" " * 50_000_000}), compression=zipfile.ZIP_DEFLATED),
        "AR023",
    ),
    "claimed sizes": (claims, "AR023"),
    "a header that claims a lot": (member("weights.safetensors", struct.pack("<Q", 1 << 60) + b"{}"), "AR022"),
    "tensors that claim a lot": (
        member("weights.safetensors", tensors({"x": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}})),
        "AR022",
    ),
    "no weights": (lambda path: rewritten(path, lambda members: members.pop("weights.safetensors")), "AR022"),
    "weights of another network": (of_another_network, "AR025"),
    "a network that is none": (member("network.json", b"[]"), "AR022"),
    "deep JSON": (member("network.json", b"[" * 100_000), "AR022"),
    "a component from elsewhere": (described(lambda data: data["network"]["layers"][0].update(type="their_dense")), "AR026"),
    "a module by its path": (described(lambda data: data["network"]["layers"][0].update(type="os.system")), "AR026"),
    "an unknown setting": (described(lambda data: data["network"]["layers"][0].update(code="os.system('x')")), "AR022"),
    "a huge layer": (described(lambda data: data["network"]["layers"][0].update(units=10**12)), "AR025"),
    "a later format": (later, "AR024"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_refused_by_every_command_and_from_python(refused: Callable[..., Any], tmp_path: Path, model: Path, attack: str) -> None:
    change, code = ATTACKS[attack]
    change(model)
    for name, words in COMMANDS.items():
        problem = refused(*words(model))[0]
        assert problem.code == code, f"{name}: {problem}"
        assert str(model) in problem.head
    tracemalloc.start()
    with pytest.raises(lm.LaminaError) as caught:
        lm.load(model)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == code
    assert caught.value.exit_code == 2
    assert peak < 20_000_000
    assert not (tmp_path / "pwned").exists()


def test_weights_that_were_changed(refused: Callable[..., Any], model: Path) -> None:
    blob = bytearray(model.read_bytes())
    place = blob.find(lm.load(model).parameters()["dense_1/weight"].tobytes())
    assert place > 0
    blob[place] ^= 1
    model.write_bytes(blob)
    for command in ("evaluate", "predict"):
        assert refused(*COMMANDS[command](model))[0].code in ("AR021", "AR022")


@pytest.mark.parametrize("name", ["labels.json", "preprocessing.json"])
@pytest.mark.parametrize("blob", [b"[]", b"3", b'{"inputs": 3}', b'{"version": 1}', b"{", b"\xff"])
def test_labels_and_preprocessing_that_are_none(refused: Callable[..., Any], tmp_path: Path, name: str, blob: bytes) -> None:
    trained = tmp_path / "trained.lamina"
    x = np.random.default_rng(0).normal(size=(30, 4))
    made = lm.Model(lm.Sequential(lm.features(4), [lm.Output(2)]))
    made.fit(x, np.arange(30) % 2, epochs=1, progress=False)
    made.save(trained)
    rewritten(trained, lambda members: members.update({name: blob, "preprocessing.safetensors": tensors({})}))
    (tmp_path / "new.csv").write_text("a,b,c,d\n1,2,3,4\n")
    problem = refused(*COMMANDS["predict"](trained))[0]
    assert problem.code == "AR022", problem
    assert str(trained) in problem.head


def test_a_model_is_no_recipe_and_a_recipe_no_model(
    refused: Callable[..., Any], recipe: Callable[..., Path], tmp_path: Path, model: Path
) -> None:
    for command in ("train", "check"):
        assert refused(command, model)[0].code in ("SP001", "SP010")
    file = recipe("data: {source: {type: iris}}\n")
    assert refused("evaluate", file, "--data", "{source: {type: iris}}")[0].code == "AR021"
    assert refused("predict", file, tmp_path / "new.csv", "-o", tmp_path / "out.csv")[0].code == "AR021"


@pytest.mark.parametrize(
    ("part", "numbers"),
    [
        ("offset", np.zeros(2)),
        ("factor", np.ones((2, 2))),
        ("factor", np.ones(4, np.int8)),
        ("axis", np.asarray(7)),
        ("axis", np.asarray(-3)),
        ("axis", np.zeros(3)),
    ],
)
def test_scales_that_do_not_fit_the_data(
    refused: Callable[..., Any], train: Callable[[Path, str], Path], tmp_path: Path, part: str, numbers: np.ndarray
) -> None:
    from safetensors.numpy import load, save

    network = "network: {type: sequential, layers: [{type: output, units: 3}]}\ntrain: {epochs: 1, progress: false}\n"
    model = train(tmp_path, "data: {source: {type: iris}, split: {test: 0.2}, normalize: standardize}\n" + network) / "model.lamina"

    def change(members: dict[str, bytes]) -> None:
        arrays = load(members["preprocessing.safetensors"])
        members["preprocessing.safetensors"] = save({**arrays, f"input/input/{part}": numbers})

    rewritten(model, change)
    (problem,) = refused("evaluate", model, "--data", "{source: {type: iris}}", "--part", "all")
    assert problem.code == "AR022"
    assert "preprocessing.json" in problem.head
