"""Labelled data for ``lamina evaluate``: what a recipe, a data section or a csv file holds, as a kept model takes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.config import DataConfig
    from lamina.data.dataset import Dataset
    from lamina.evaluate.evaluation import Evaluation
    from lamina.model import Model

PARTS = ("test", "validation", "train", "all")


@dataclass(frozen=True)
class Labelled:
    """Data to judge by.

    Attributes:
        dataset: The data, prepared for the model.
        part: Which part of what was given they are.
        evaluations: How the recipe wants them judged; empty where there is none, or it leaves that open.
    """

    dataset: Dataset
    part: str
    evaluations: tuple[Evaluation, ...] = ()


def labelled_data(spec: str, model: Model, *, part: str | None = None, seed: int | None = None) -> Labelled:
    """Data to judge a model by, prepared as those it was trained on.

    Args:
        spec: A recipe, data section or source in a file (YAML, JSON) or written out, or a table's file with the columns of training.
        model: The kept model; its columns, categories, labels and scales are the ones that count.
        part: ``test``, ``validation``, ``train`` or ``all``; by default the test part if there is one, else all.
        seed: Of the split; by default the recipe's, else the model's.

    Raises:
        LaminaError: If the description is wrong, or the data are not such as the model was trained on.
    """
    _check_part(part, PARTS)
    if _is_table(spec):
        _check_part(part, ("all",))
        return Labelled(_table(spec, model), "all")
    config, own_seed, evaluations = read_section(spec)
    parts = _parts(config, model, next(s for s in (seed, own_seed, model.seed) if s is not None))
    chosen = part or ("test" if "test" in parts else "all")
    _check_part(chosen, (*parts, "all"))
    return Labelled(_prepared(_together(parts, chosen), model), chosen, evaluations)


def read_section(spec: str) -> tuple[DataConfig, int | None, tuple[Evaluation, ...]]:
    """A data section, and of a recipe its seed and how it judges.

    Args:
        spec: A recipe, data section or source in a file (YAML, JSON) or written out.

    Raises:
        LaminaError: If the description is wrong.
    """
    from lamina.data.config import DataConfig
    from lamina.spec import Document, load_document, parse_document
    from lamina.train.recipe import Recipe

    # A data section has a brace or a line break where a path has an ending.
    inline = "{" in spec or "\n" in spec
    document = parse_document(spec, "--data") if inline else load_document(spec)
    base = Path.cwd() if inline else Path(spec).resolve().parent
    if isinstance(document.data, dict) and "data" in document.data:
        recipe = Recipe.from_document(document)
        return recipe.data.resolve_paths(base), recipe.seed, recipe.evaluate
    if isinstance(document.data, dict) and "type" in document.data:
        # A source alone is a data section with nothing else in it.
        document = Document({"source": document.data}, document.name)
    return DataConfig.from_document(document).resolve_paths(base), None, ()


def _parts(config: DataConfig, model: Model, seed: int) -> dict[str, Dataset]:
    """The parts as their source gives them, tables by the columns of the model."""
    from lamina.data.sources.table import TableSource
    from lamina.data.tabular import parts_as_kept

    kept = model.preprocessing
    if kept is not None and kept.columns is not None and isinstance(config.source, TableSource):
        return parts_as_kept(config, config.source, seed, kept)
    loaded = config.source.read()
    whole = loaded.train
    split = None if config.split is None else config.split.parts(whole, seed)
    if kept is not None and kept.columns is not None and whole.columns is not None:
        like = config.source.read_like(whole.replace(columns=kept.columns, schema=kept.schema))
        whole = whole.replace(inputs=like.inputs, targets=like.targets, columns=like.columns, schema=like.schema)
    parts = {"train": whole}
    if split is not None:
        indices = {"train": split.train, "validation": split.validation, "test": split.test}
        parts = {name: whole.take(places) for name, places in indices.items() if len(places)}
    if config.test_source is not None:
        parts["test"] = config.test_source.read_like(whole)
    elif loaded.test is not None and "test" not in parts:
        parts["test"] = loaded.test
    return parts


def _prepared(dataset: Dataset, model: Model) -> Dataset:
    from lamina.data.preprocessing import Preprocessing

    kept = model.preprocessing or Preprocessing(dataset.schema, dtype=model.dtype)
    if kept.schema != dataset.schema:
        raise DataError(
            "DA022",
            where="--data",
            expected=f"data as those the model was trained on: {_shown(kept.schema.to_dict())}",
            got=_shown(dataset.schema.to_dict()),
            cause="the model was trained on other data",
            fix="give the recipe that the model was trained by, or data with the same inputs and labels",
        )
    return kept.prepare(dataset)


def _shown(schema: object) -> str:
    text = str(schema)
    return text if len(text) <= 300 else f"{text[:300]} ..."


def _table(path: str, model: Model) -> Dataset:
    kept = model.preprocessing
    if kept is None or kept.columns is None or not kept.columns.target:
        raise DataError(
            "DA018",
            where=f"--data {path}",
            expected="a model that was trained on a table, so that it knows what the columns are for",
            got="one that was trained on arrays",
            cause="a table alone does not say which column is the answer",
            fix=f"write --data '{{source: {{type: csv, path: {path}, target: COLUMN}}}}'",
        )
    return kept.dataset(path)


def _together(parts: dict[str, Dataset], chosen: str) -> Dataset:
    from lamina.data.dataset import Dataset

    if chosen != "all" or len(parts) == 1:
        return parts[chosen] if chosen != "all" else next(iter(parts.values()))
    return Dataset.joined(parts)


def _is_table(spec: str) -> bool:
    """Whether a path is that of a table, not of a description."""
    from lamina.data.sources.reading import ENDINGS, ending

    inline = "{" in spec or "\n" in spec
    return not inline and ending(spec) in ENDINGS and ending(spec) not in (".json", ".yaml", ".yml")


def _check_part(part: str | None, known: tuple[str, ...]) -> None:
    if part is not None and part not in known:
        raise DataError(
            "DA092",
            where=f"--part {part}",
            expected=f"one of {', '.join(known)}",
            got=repr(part),
            cause="a typo" if part not in PARTS else "the data section sets no such part aside",
            fix="write --part all to judge on everything" if part in PARTS else "write --part test, validation, train or all",
        )
