"""Make the page of names: what each layer, loss and so on of other frameworks is called here.

python docs/vocabulary.py          writes docs/reference/vocabulary.md
python docs/vocabulary.py --check  says what is missing, and writes nothing
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path
from typing import Any

import yaml

import lamina
from lamina.spec import registry

HERE = Path(__file__).parent
SOURCE = HERE / "vocabulary.yaml"
PAGE = HERE / "reference" / "vocabulary.md"
TITLES = {"deeplearning4j": "Deeplearning4j", "keras": "Keras 3", "torch": "torch.nn"}
HEAD = """# Names in other frameworks

What each layer, vertex, loss, activation, initialiser, updater, schedule, dropout, constraint, normaliser and transform of
Deeplearning4j (everything in 1.0.0-beta7 and 1.0.0-M2.1), each layer of Keras 3 and each class of `torch.nn` is called in Lamina.
A name with a slash is a component, as a file spells it: `layer/lstm` is `{type: lstm}`; after a point comes one of its settings.

This page is made of `docs/vocabulary.yaml`, and a test holds that every name is there.
"""


def rows() -> list[tuple[str, str, str, list[str], str]]:
    """Framework, section, name, where it is here, and a note."""
    found = []
    for framework, sections in yaml.safe_load(SOURCE.read_text()).items():
        for section, entries in sections.items():
            for name, entry in entries.items():
                where, note = entry if isinstance(entry, list) else (entry, "")
                found.append((framework, section, name, where.split(), note))
    return found


def exists(where: str) -> bool:
    """Whether Lamina has what a row names."""
    if "/" not in where:
        parts = where.split(".")
        for count in range(len(parts), 0, -1):
            try:
                value: Any = importlib.import_module(".".join(parts[:count]))
            except ModuleNotFoundError:
                continue
            for part in parts[count:]:
                if part in getattr(value, "model_fields", {}):
                    value = None
                    continue
                if not hasattr(value, part):
                    return False
                value = getattr(value, part)
            return True
        return False
    family, _, rest = where.partition("/")
    name, _, setting = rest.partition(".")
    component = registry.get(family, name)
    return component is not None and (not setting or setting in component.model_fields)


def page() -> str:
    """The page in Markdown."""
    lines, at = [HEAD], ("", "")
    for framework, section, name, wheres, note in rows():
        if framework != at[0]:
            lines += [f"\n## {TITLES[framework]}"]
        if (framework, section) != at:
            lines += [f"\n### {TITLES[framework]}: {section.lower()}\n", f"| {TITLES[framework]} | Lamina | |", "|---|---|---|"]
        at = (framework, section)
        lines.append(f"| {name} | {', '.join(f'`{where}`' for where in wheres)} | {note} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or say what is missing."""
    for module in pkgutil.walk_packages(lamina.__path__, "lamina."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    missing = [(name, where) for _, _, name, wheres, _ in rows() for where in wheres if not exists(where)]
    for name, where in missing:
        sys.stdout.write(f"{name}: {where} is not there\n")
    if "--check" not in sys.argv:
        PAGE.write_text(page())
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
