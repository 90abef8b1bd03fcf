"""The parts from which the schemas of bodies and answers are put together."""

from collections.abc import Iterable, Mapping
from typing import Any

from limitkeeper.core.kernel.quantity import Quantity

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/"


def ref(name: str, description: str = "") -> Schema:
    """A schema by its name."""
    found: Schema = {"$ref": REFERENCE + name}
    return found | {"description": description} if description else found


def value(kinds: str, description: str, **more: object) -> Schema:
    """A plain value of some JSON types, separated by blanks."""
    names = kinds.split()
    return {"type": names[0] if len(names) == 1 else names, "description": description, **more}


def record(description: str, properties: Mapping[str, Schema], optional: Iterable[str] = ()) -> Schema:
    """An object whose fields are all there but the optional ones."""
    left_out = set(optional)
    required = [name for name in properties if name not in left_out]
    return {
        "type": "object",
        "description": description,
        "properties": dict(properties),
        "required": required,
    }


def listed(items: Schema, description: str) -> Schema:
    """A list of items of one kind."""
    return {"type": "array", "items": items, "description": description}


def one_of(names: Iterable[str], description: str, meanings: Mapping[str, str] | None = None) -> Schema:
    """One of some names, with what each means where that is known."""
    found = value("string", description, enum=list(names))
    return found | {"x-enum-descriptions": dict(meanings)} if meanings else found


def or_null(schema: Schema, description: str) -> Schema:
    """A schema, or null."""
    return {"anyOf": [schema, {"type": "null"}], "description": description}


def moment(description: str) -> Schema:
    """An instant."""
    return value("string", description, format="date-time")


def cents(description: str, *, nullable: bool = True) -> Schema:
    """An amount in minor units."""
    return value("integer null" if nullable else "integer", f"{description} Minor units.")


def quantities(description: str, columns: Iterable[Quantity]) -> Schema:
    """An object of quantities, with the unit of each and when it is missing."""
    return record(
        description,
        {
            each.name: value(
                "number" if each.missing == "never" else "number null",
                f"{each.description} Unit: {each.unit}."
                + ("" if each.missing == "never" else f" Null: {each.missing}."),
            )
            for each in columns
        },
    )


def mapping(kinds: str, description: str) -> Schema:
    """An object of values of some JSON types under names that are not fixed."""
    return {"type": "object", "description": description, "additionalProperties": {"type": kinds.split()}}
