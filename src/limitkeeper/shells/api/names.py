"""Names in the path and the query of a request, as a database keeps them."""

from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator


def plain(text: str) -> str:
    """A text without NUL, which PostgreSQL's text does not hold.

    Examples
    --------
    >>> plain("a-7" + chr(0))
    'a-7'
    """
    return text.replace("\0", "")


WITHOUT_NUL = AfterValidator(lambda text: None if text is None else plain(text))
"""Of each text in a path or a query by which rows are looked up: a route gets it plain."""

OfAccount = Annotated[str | None, Query(max_length=200, description="Only of this account."), WITHOUT_NUL]
