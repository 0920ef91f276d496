"""What every description shares: frozen, strict, chosen by ``type``, addressed by path, the same in Python, YAML and JSON."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, ClassVar, ForwardRef, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import core_schema

from lamina.errors import DescriptionError
from lamina.spec.document import Document, load_document, parse_document
from lamina.spec.registry import registry
from lamina.spec.translate import family_error, owned, translate

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    class _Model:
        """What type checkers see of ``BaseModel``.

        Pydantic's own declaration gives every class an ``__init__`` with its fields by name and of exactly their types; ours
        takes leading values by position, and words and mappings where a member of a family belongs.
        """

        model_config: ClassVar[ConfigDict]
        model_fields: ClassVar[dict[str, FieldInfo]]

        def __init__(self, *args: Any, **values: Any) -> None: ...
        @property
        def model_fields_set(self) -> set[str]: ...
        @classmethod
        def model_validate(cls, obj: Any) -> Self: ...
        @classmethod
        def model_json_schema(cls, *, by_alias: bool = True, ref_template: str = ..., mode: str = ...) -> dict[str, Any]: ...

    _ModelMeta = type
else:
    _Model = BaseModel
    _ModelMeta = type(BaseModel)


class _DescriptionMeta(_ModelMeta):
    """Lets descriptions be called with leading arguments by position, and turns pydantic's errors into ours."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:  # noqa: D102
        cls: Any = super().__new__(mcs, name, bases, namespace, **options)
        # Pydantic evaluates the annotations of all parents anew for each class, a third of the time that importing all layers
        # takes. What it found out is put in place of the text.
        annotations = cls.__dict__.get("__annotations__", {})
        for key, text in annotations.items():
            if isinstance(text, str) and key in cls.__class_vars__:
                annotations[key] = ClassVar
            elif isinstance(text, str) and key in cls.model_fields and not isinstance(cls.model_fields[key].annotation, str | ForwardRef):
                annotations[key] = cls.model_fields[key].annotation
        return cls

    def __call__(cls, *args: Any, **values: Any) -> Any:
        names: Sequence[str] = cls.positional  # type: ignore[attr-defined]
        if len(args) > len(names):
            raise DescriptionError(
                "SP004",
                where=cls.__name__,
                expected=f"at most {len(names)} values by position ({', '.join(names) or 'none'})",
                got=f"{len(args)}",
                cause="the other settings are given by name",
                fix=f"write {cls.__name__}({', '.join([*names, 'setting=value'])})",
            )
        for name, value in zip(names, args, strict=False):
            if name in values:
                raise DescriptionError(
                    "SP004",
                    where=f"{cls.__name__}.{name}",
                    expected="one value",
                    got=f"{value!r} by position and {values[name]!r} by name",
                    cause="the setting was given twice",
                    fix=f"remove {name}= or the value by position",
                )
            values[name] = value
        try:
            return super().__call__(**values)
        except ValidationError as error:
            raise translate(error, cls.__name__, values) from None


@functools.cache
def _dumper() -> Any:
    """What writes YAML, so that a line end of old mainframes within a text stays one, and words that look like numbers stay words."""
    import yaml

    from lamina.spec.document import reads_as_text

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: Any, value: str) -> Any:
        style = '"' if "\x85" in value else None if reads_as_text(value) else "'"
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return Dumper


_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


class Description(_Model, metaclass=_DescriptionMeta):
    """Base of everything that can stand in a recipe.

    A *root* is a subclass with ``family="..."``; a field annotated with it accepts any registered member, chosen by
    ``type``, or the bare type string when all other settings have defaults. Members are made known with
    `lamina.spec.register`. Instances are immutable and compare by value.

    Class attributes:
        positional: Names of the fields that may be given by position.
        type_name: The registered type string; set by `lamina.spec.register`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True, arbitrary_types_allowed=True, allow_inf_nan=False)

    positional: ClassVar[tuple[str, ...]] = ()
    type_name: ClassVar[str | None] = None
    family: ClassVar[str | None] = None

    def __init_subclass__(cls, family: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        # Set on every class: a member must not look like a root because its parent is one.
        cls.family = family
        cls.type_name = None

    # -- families -------------------------------------------------------------------------------------------------

    @classmethod
    def root(cls) -> type[Description]:
        """The root of this class's family; a class outside any family is its own root."""
        return next((base for base in cls.__mro__ if base.__dict__.get("family")), cls)

    @classmethod
    def family_name(cls) -> str:
        """Name of the family, such as ``layer``."""
        return cls.root().family or cls.__name__.lower()

    @classmethod
    def examples(cls) -> Sequence[Any]:
        """At least one valid description, for the contract suite and the documentation."""
        return ()

    @classmethod
    def has_examples(cls) -> bool:
        """Whether this class defines `examples` itself, or inherits it from a parent that isn't a root."""
        for base in cls.__mro__:
            if base is cls.root():
                return False
            if "examples" in base.__dict__:
                return True
        return False

    @classmethod
    def adapt(cls, value: Any) -> Any:
        """Hook for roots: turn a Python value that is no description into one (an own ``torch.nn.Module``, say)."""
        return value

    @classmethod
    def shorthand_schema(cls) -> list[dict[str, Any]]:
        """Hook for roots: JSON Schemas of what `adapt` takes beside words and mappings with ``type``; only what a file can say."""
        return []

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        if cls.__dict__.get("family") and source is cls:
            return core_schema.no_info_plain_validator_function(
                cls._dispatch, serialization=core_schema.plain_serializer_function_ser_schema(_plain)
            )
        return handler(source)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        if cls.__dict__.get("family"):
            return {"x-lamina-family": cls.family}
        return handler(schema)

    @classmethod
    def _dispatch(cls, value: Any) -> Any:
        """Find the member a value means, and validate the value as that member and no other."""
        if isinstance(value, cls):
            return value
        value = cls.adapt(value)
        if isinstance(value, cls):
            return value
        family = cls.family_name()
        if isinstance(value, str):
            value = {"type": value}
        if not isinstance(value, Mapping):
            raise family_error(family, "kind")
        if "type" not in value:
            raise family_error(family, "missing")
        name = value["type"]
        member = registry.get(family, name) if isinstance(name, str) else None
        if member is None:
            raise family_error(family, "unknown", str(name))
        return member.model_validate(dict(value))

    # -- validation -----------------------------------------------------------------------------------------------

    @model_validator(mode="wrap")
    @classmethod
    def _known_settings(cls, value: Any, handler: Any) -> Any:
        """Take ``type`` out, and remember on unknown keys whose they were, so that the message can list what is allowed."""
        if isinstance(value, Mapping) and "type" in value and "type" not in cls.model_fields:
            given = value["type"]
            if given != cls.type_name:
                raise family_error(cls.family_name(), "other", str(given), wanted=cls.type_name or "no type")
            value = {key: item for key, item in value.items() if key != "type"}
        try:
            return handler(value)
        except ValidationError as error:
            # `TrainConfig` describes the section `train`.
            owner = cls.type_name or cls.__name__.removesuffix("Config").lower()
            raise owned(error, owner, list(cls.model_fields)) from None

    @classmethod
    def from_document(cls, document: Document, path: tuple[str | int, ...] = ()) -> Self:
        """Validate the part of a document at ``path``.

        Raises:
            DescriptionError: With every problem at once, each with its place in the file.
        """
        data: Any = document.data
        for part in path:
            data = data[part]
        try:
            if cls.__dict__.get("family"):
                return TypeAdapter(cls).validate_python(data)
            return cls.model_validate(data if data is not None else {})
        except ValidationError as error:
            raise translate(error, document.name, data, document, path) from None

    @classmethod
    def load(cls, file: str | FilePath) -> Self:
        """Read a description from a YAML or JSON file.

        Raises:
            DescriptionError: With every problem at once, each with its place in the file.
        """
        return cls.from_document(load_document(file))

    @classmethod
    def from_yaml(cls, text: str) -> Self:
        """Read a description from YAML (or JSON) text."""
        return cls.from_document(parse_document(text))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a description from plain data."""
        return cls.from_document(Document(dict(data), cls.__name__))

    # -- writing --------------------------------------------------------------------------------------------------

    @model_serializer(mode="plain")
    def _serialize(self) -> dict[str, Any]:
        return self.to_dict()

    def to_dict(self, *, full: bool = False) -> dict[str, Any]:
        """Plain data that reads back as the same description.

        Args:
            full: Also write settings that have their default value. Beware: what then reads back has *set* all of them, so
                that a network's ``defaults`` no longer reach its layers.

        Raises:
            DescriptionError: SP009, for a component that isn't registered, since no file can name it.
        """
        if self.type_name is None and self.root().family is not None:
            raise self._unwritable()
        result: dict[str, Any] = {} if self.type_name is None else {"type": self.type_name}
        for name in type(self).model_fields:
            if full or name in self.model_fields_set:
                result[name] = _plain(getattr(self, name), full=full)
        return result

    def _unwritable(self) -> DescriptionError:
        name = type(self).__name__
        return DescriptionError(
            "SP009",
            where=f"{self.family_name()} {name}",
            expected="a registered component, which a file can name by its type",
            got=f"{name}, which has no type",
            cause="the class is used from Python only and was never registered",
            fix=f'decorate it: @register("{name.lower()}") above class {name}',
        )

    def to_yaml(self, *, full: bool = False) -> str:
        """YAML that reads back as the same description."""
        import yaml

        return yaml.dump(self.to_dict(full=full), Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=120)

    def to_json(self, *, full: bool = False, indent: int | None = 2) -> str:
        """JSON that reads back as the same description."""
        text = json.dumps(self.to_dict(full=full), indent=indent, ensure_ascii=False)
        # Readers of YAML refuse these letters, or take them for line ends, unless they are written by their codes.
        return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

    def replace(self, **changes: Any) -> Self:
        """A copy with some settings changed, checked like a new one."""
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self)(**{**values, **changes})

    def __repr__(self) -> str:
        shown = ", ".join(f"{k}={getattr(self, k)!r}" for k in type(self).model_fields if k in self.model_fields_set)
        return f"{type(self).__name__}({shown})"

    __str__ = __repr__


def _plain(value: Any, *, full: bool = False) -> Any:
    """Descriptions, tuples and mappings as the dicts and lists that YAML and JSON know."""
    if isinstance(value, Description):
        data = value.to_dict(full=full)
        # `activation: relu` stays the word it was.
        return data["type"] if list(data) == ["type"] else data
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): _plain(item, full=full) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, full=full) for item in value]
    # Trees that are written as text, such as expressions.
    written = getattr(value, "to_plain", None)
    return value if written is None else written()
