"""What is wrong with a body, told to people: the field, and what is allowed there."""

import re
from typing import Literal, get_args, get_origin, get_type_hints

import msgspec

from limitkeeper.core.kernel.errors import InputError

WHERE = re.compile(r" - at `(?:key in )?\$(?:\.(?P<field>[^`]+)|[^`]*)`$")
"""The place that msgspec names at the end of what it says."""

NAMED = re.compile(r"Object (?P<wrong>missing required|contains unknown) field `(?P<name>[^`]+)`")
LENGTH = re.compile(r"Expected `(?P<kind>\w+)(?: \| null)?` of length (?P<sign>[<>]=) (?P<bound>\d+)")
BOUND = re.compile(r"Expected `(?:int|float)(?: \| null)?` (?P<sign>[<>]=?) (?P<bound>\S+)")
KIND = re.compile(r"Expected `(?P<kind>[\w| ]+)`, got `\w+`")
CHOICE = re.compile(r"Invalid enum value '.*'")

ALLOWED_KINDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}
"""What msgspec calls the kinds of values, in words."""


def unreadable(error: Exception, kind: type[msgspec.Struct]) -> InputError:
    """The error of a body that is none of a kind.

    Parameters
    ----------
    error
        Of the decoder.
    kind
        As which the body was read.

    Examples
    --------
    >>> class Given(msgspec.Struct):
    ...     days: int
    >>> try:
    ...     msgspec.json.decode(b'{"days": "two"}', type=Given)
    ... except msgspec.DecodeError as error:
    ...     found = unreadable(error, Given)
    >>> found.problem, found.allowed
    ("The field 'days' is not as it should be.", 'a whole number')
    """
    said, shape = str(error), "an object with " + ", ".join(kind.__struct_fields__)
    place = WHERE.search(said)
    field, what = (place["field"], said[: place.start()]) if place else (None, said)
    if named := NAMED.fullmatch(what):
        name = f"{field}.{named['name']}" if field else named["name"]
        allowed = None if field else shape
        if named["wrong"].startswith("missing"):
            return InputError(f"The field '{name}' is missing.", allowed=allowed)
        return InputError(f"There is no field '{name}'.", allowed=allowed)
    bound = allowed_at(what, field, kind) if field else None
    if bound is None:
        return InputError(f"The body cannot be read: {said}.", allowed=shape)
    return InputError(f"The field '{field}' is not as it should be.", allowed=bound)


def allowed_at(what: str, field: str, kind: type[msgspec.Struct]) -> str | None:
    """What is allowed in a field, by what msgspec says of it; None where that has no words of ours.

    Examples
    --------
    >>> allowed_at("Expected `str | null` of length >= 12", "password", msgspec.Struct)
    '12 letters or more'
    >>> allowed_at("Expected `float` > 0.0", "days", msgspec.Struct)
    'more than 0'
    """
    if found := LENGTH.fullmatch(what):
        count = found["bound"]
        if found["kind"] == "str":
            return f"{count} letters or more" if found["sign"] == ">=" else f"{count} letters or fewer"
        return f"{count} or more" if found["sign"] == ">=" else f"{count} or fewer"
    if found := BOUND.fullmatch(what):
        return _bounded(found["sign"], found["bound"].removesuffix(".0"))
    if found := KIND.fullmatch(what):
        names = [each for each in found["kind"].split(" | ") if each != "null"]
        return ALLOWED_KINDS.get(names[0]) if len(names) == 1 else None
    hint = get_type_hints(kind).get(field) if CHOICE.fullmatch(what) else None
    return ", ".join(get_args(hint)) if get_origin(hint) is Literal else None


def _bounded(sign: str, bound: str) -> str:
    """What a number may be, by the sign before its bound."""
    if sign == ">":
        return f"more than {bound}"
    if sign == "<":
        return f"less than {bound}"
    return f"{bound} or more" if sign == ">=" else f"{bound} or less"
