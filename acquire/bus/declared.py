"""A message's model and its quick struct, both made of one declaration: a msgspec struct such as drivers.Reading.

A field's name, type, default, bounds and description are written down there and nowhere else. On the bus two types are
others: bytes are text, and a flag may be a word of a later version.
"""

from __future__ import annotations

import types
from collections.abc import Container, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, Field, create_model

from drivers import Flag

Declaration = type[msgspec.Struct]
Instead = Mapping[Any, Any]  # a type of the declaration: what the message has for it
ON_THE_BUS: Instead = {bytes: str, Flag: str}
_annotated: Any = Annotated


def model_of(
    declaration: Declaration,
    base: type[BaseModel],
    nested: Instead | None = None,
    without: Container[str] = (),
    **fields: Any,
) -> type[BaseModel]:
    """A pydantic model with the fields of the declaration, but those in `without`; `nested` has models for structs.

    fields: those that the model declares otherwise, as pydantic's create_model takes them.
    """
    said = _fields(declaration, nested or {})
    made = {name: (kind, *(default or [...])) for name, kind, *default in said if name not in without}
    return create_model(declaration.__name__, __base__=base, __doc__=declaration.__doc__, **(made | fields))


def struct_of(declaration: Declaration, nested: Instead | None = None) -> Declaration:
    """A struct with the fields of the declaration; unknown keys are passed over. `nested` has structs for its structs.

    Its fields stand in the order of canonical JSON and defaults are left out, as our sources do: what such a struct is
    encoded to is canonical.
    """
    fields = sorted(_fields(declaration, nested or {}), key=lambda field: field[0])
    return msgspec.defstruct(declaration.__name__, fields, kw_only=True, frozen=True, gc=False, omit_defaults=True)


def _fields(declaration: Declaration, nested: Instead) -> list[tuple[Any, ...]]:
    """Name and type of each field, and its default where it has one."""
    instead = {**ON_THE_BUS, **nested}
    fields = msgspec.structs.fields(declaration)
    return [(field.name, _named(field, _on_the_bus(field.type, instead)), *_default(field)) for field in fields]


def _named(field: msgspec.structs.FieldInfo, kind: Any) -> Any:
    """The type, with the key where that is another word than the name."""
    return kind if field.encode_name == field.name else _annotated[(kind, Field(alias=field.encode_name))]


def _default(field: msgspec.structs.FieldInfo) -> tuple[Any, ...]:
    if field.required:
        return ()
    return (field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory(),)


def _on_the_bus(annotation: Any, instead: Instead) -> Any:
    """The type as the message has it, with what is said of it in the words of msgspec and of pydantic."""
    if annotation in instead:
        return instead[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is None or origin is Literal:
        return annotation
    if origin is Annotated:
        inner, *said = arguments
        return _annotated[(_on_the_bus(inner, instead), *said, *(Field(**dict(each.__rich_repr__())) for each in said))]
    inner = tuple(_on_the_bus(each, instead) for each in arguments)
    return Union[inner] if origin in (Union, types.UnionType) else origin[inner]  # noqa: UP007 - made while running
