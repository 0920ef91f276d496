"""What is changed in a trained network before it learns something else, as data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, WithJsonSchema

from lamina.errors import DescriptionError
from lamina.network import Network
from lamina.network.layers.layer import Layer, Name
from lamina.spec import Description
from lamina.spec.fields import Names, listed


def _layer_or_settings(value: Any) -> Any:
    """A whole layer where a type is named, else settings to change."""
    if isinstance(value, Mapping) and "type" in value:
        return Layer.from_dict(value)
    return value


_LAYER_SCHEMA = {"anyOf": [{"x-lamina-family": "layer"}, {"type": "object"}]}
Replacement = Annotated[Layer | dict[str, Any], BeforeValidator(_layer_or_settings), WithJsonSchema(_LAYER_SCHEMA)]


class Transfer(Description):
    """A trained network, changed: the start of another training.

    Layers are named as `lamina summary` lists them, those of networks within layers by their path (``block/dense_1``); ``*`` and
    ``?`` stand for any letters. The changes are made in the order of the settings below. A layer keeps its weights if it keeps its
    name and they keep their shape; all others start anew, and a report says which.

    Attributes:
        model: The file to start from: a ``.lamina`` file, or a model of another system, as ``lamina import`` reads it; where several
            files make one, all of them.
        remove: Layers to take out; what they fed is then fed by what fed them.
        remove_after: The last layer to keep; everything behind it is taken out.
        replacements: By name a new layer, which starts anew, or settings to change: ``{units: 50}``.
        append: Layers to put behind the last one.
        add: For graphs, further nodes by name.
        outputs: For graphs, the outputs from now on.
        freeze: Layers whose parameters keep their values; of one that holds networks, all of theirs.
        freeze_to: This layer and everything before it keeps its values (a feature extractor).
        settings: By name or pattern, settings for further training: ``{"conv*": {learning_rate_factor: 0.1}}``.

    Example:
        >>> import lamina as lm
        >>> net = lm.Sequential(lm.features(4), [lm.Dense(8, activation="relu"), lm.Output(3)])
        >>> changed = Transfer(freeze_to="dense_1", replacements={"output_1": lm.Output(5)}).apply(net)
        >>> [(layer.name, layer.frozen) for layer in changed.layers]
        [('dense_1', True), ('output_1', False)]
    """

    model: Names | None = None
    remove: Names = ()
    remove_after: Name | None = None
    replacements: dict[str, Replacement] = {}
    append: listed(Layer) = ()  # type: ignore[valid-type]
    add: dict[Name, Layer] = {}
    outputs: Names = ()
    freeze: Names = ()
    freeze_to: str | None = None
    settings: dict[str, dict[str, Any]] = {}

    def apply(self, network: Network) -> Network:
        """The network with all changes made; every layer has its name written out.

        Raises:
            DescriptionError: TR130 for a name that no layer has, TR131 for a setting that none of the layers has, TR132 for a
                change that this kind of network, or the place of a layer in it, doesn't allow; all of them at once.
        """
        from lamina.transfer.changes import apply

        return apply(self, network)

    def changed_network(self) -> Network:
        """The network of `model` with all changes made.

        Raises:
            LaminaError: As `apply`; TR133, if no model is named; an AR or IO code, if it can't be read.
        """
        from lamina.trained import trained

        kept = trained(self.named_model()).kept
        network = self.apply(kept.network)
        return (
            network
            if network.has_inputs or network.type_name != "sequential"
            else network.replace(input=next(iter(kept.plan.inputs.values())))
        )

    def named_model(self) -> tuple[str, ...]:
        """The files to start from.

        Raises:
            DescriptionError: TR133, if none is named.
        """
        if not self.model:
            raise DescriptionError(
                "TR133",
                where="transfer",
                expected="model: the file to start from",
                got="none",
                cause="a recipe has nothing else to start from",
                fix="write model: PATH, relative to the recipe",
            )
        return self.model

    @property
    def replaced(self) -> tuple[str, ...]:
        """Names of the layers that start anew though the model has a layer of that name."""
        return tuple(name for name, new in self.replacements.items() if isinstance(new, Layer))

    def resolve_paths(self, base: Path) -> Self:
        """The same with a relative path of the model meaning one below ``base``."""
        return self.replace(model=[str(base / file) for file in self.model]) if self.model else self

    @classmethod
    def examples(cls) -> list[Transfer]:
        return [cls(model="base.lamina", freeze=["conv*"]), cls(remove_after="dense_1", append=[{"type": "output", "units": 2}])]
