"""``lamina doctor``: what is installed, what this machine can do; ``doctor gradients``: does a network learn by right gradients."""

from __future__ import annotations

import os
import platform
from typing import Annotated, Any

import typer

from lamina.cli.check import AsJson, Recipe, Sets
from lamina.cli.output import print_json
from lamina.version import __version__

NAME = "doctor"

CORE = ("torch", "numpy", "pydantic", "PyYAML", "safetensors", "polars", "scikit-learn", "rich", "typer")
OPTIONAL = {
    "pandas": "data frames of pandas",
    "pyarrow": "exchange of pandas and Polars frames",
    "tensorboard": "looking at the TensorBoard log",
}


app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def run(context: typer.Context, as_json: AsJson = False) -> None:  # noqa: FBT002 (typer makes the option)
    """Show versions, devices and optional parts, and how to get what is missing; or check the gradients of a recipe."""
    if context.invoked_subcommand is not None:
        return
    found = {
        "lamina": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _installed(name) for name in CORE},
        "optional": {name: {"version": _installed(name), "for": use} for name, use in OPTIONAL.items()},
        "devices": _devices(),
        "paths": {name: os.environ.get(name) for name in ("LAMINA_DATA", "LAMINA_CACHE", "LAMINA_OFFLINE")},
    }
    if as_json:
        print_json(found)
    else:
        _show(found)


@app.command()
def gradients(
    recipe: Recipe,
    sets: Sets = None,
    samples: Annotated[int, typer.Option(min=1, help="Samples to compute the loss of.")] = 8,
    numbers: Annotated[int, typer.Option(min=1, help="Numbers of each parameter and input to compare.")] = 30,
    as_json: AsJson = False,  # noqa: FBT002 (typer makes the option)
) -> None:
    """Compare backpropagation with small differences of the loss, in float64, for every parameter, input and mask of a recipe."""
    from lamina.launch import untrained
    from lamina.train.gradient_check import check_gradients
    from lamina.train.recipe import load_recipe

    loaded, document = load_recipe(recipe, sets or ())
    model, prepared = untrained(loaded, document)
    report = check_gradients(model, prepared.train, samples=samples, numbers=numbers)
    if as_json:
        print_json(report.to_dict())
    else:
        print(report)
    report.raise_wrong()


def _installed(package: str) -> str | None:
    # Here, not on top: it is slow to load, and `lamina --help` loads this file.
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _devices() -> dict[str, Any]:
    # A broken torch may raise anything while it loads its libraries; the doctor is there to say so.
    try:
        import torch
    except Exception as error:
        return {"problem": f"torch does not load: {type(error).__name__}: {error}. Reinstall it: pip install --force-reinstall torch"}
    devices: dict[str, Any] = {"cpu": {"threads": torch.get_num_threads(), "capability": torch.backends.cpu.get_cpu_capability()}}
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(index)
        devices[f"cuda:{index}"] = {"name": properties.name, "bytes": properties.total_memory}
    if torch.backends.mps.is_available():
        devices["mps"] = {}
    return devices


def _show(found: dict[str, Any]) -> None:
    print(f"Lamina {found['lamina']}, Python {found['python']}, {found['platform']}")
    print("\nPackages")
    for name, version in found["packages"].items():
        print(f"  {name:<14}{version or f'MISSING: pip install {name}'}")
    print("\nOptional")
    for name, entry in found["optional"].items():
        print(f"  {name:<14}{entry['version'] or f'not installed (pip install {name})'}: {entry['for']}")
    print("\nDevices")
    for name, facts in found["devices"].items():
        shown = facts if isinstance(facts, str) else ", ".join(f"{key} {value}" for key, value in facts.items())
        print(f"  {name:<14}{shown}")
    print("\nPlaces")
    for name, value in found["paths"].items():
        print(f"  {name:<14}{value or '(not set)'}")
