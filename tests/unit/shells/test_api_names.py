"""Names in paths and queries: no route hands the store one that PostgreSQL's text does not hold."""

from collections.abc import Iterator

from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from limitkeeper.shells.api.application import DescribedApplication

READ_OTHERWISE = {"cursor", "effective", "reasons", "search", "severity", "status", "trigger", "action"}
"""Texts that are taken apart, or held against names that are known, before any row is looked up."""


def texts_with_nul(application: DescribedApplication) -> Iterator[tuple[str, str, bool]]:
    """Each text that a route takes: of which path, what it is called, and whether a NUL comes through."""
    for included in application.routes:
        router = getattr(included, "original_router", None)
        for route in router.routes if router else (included,):
            if isinstance(route, APIRoute):
                for parameter in get_flat_params(route.dependant):
                    found, problems = parameter.validate("a\0b", {}, loc=())
                    if not problems and parameter.field_info.in_.value in ("path", "query"):
                        yield route.path, parameter.name, "\0" in found


def test_no_route_gets_a_name_with_nul(served: DescribedApplication) -> None:
    found = set(texts_with_nul(served))
    assert {(path, name) for path, name, holds in found if holds and name not in READ_OTHERWISE} == set()
    plain = {(path, name) for path, name, holds in found if not holds}
    assert {("/v1/people/{person_id}/end", "person_id"), ("/v1/cases", "account_id")} <= plain
