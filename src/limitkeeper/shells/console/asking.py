"""The API as a page asks it: in this process, in the name of who looks, by the same routes and rules as everybody."""

import asyncio
from typing import Any

import httpx
import msgspec
from starlette.types import ASGIApp

from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.api.answers import problem_document


class ProblemError(Exception):
    """What the API answers where it does not do what was asked.

    Parameters
    ----------
    document
        The problem (RFC 9457).
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        super().__init__(document["detail"])

    @property
    def status(self) -> int:
        """Of HTTP."""
        return int(self.document["status"])


def problem_of_input(error: InputError) -> dict[str, Any]:
    """The problem of what a form says that cannot be sent, as the API would say it."""
    return problem_document(error, 422, "input", "Not as it should be")


class Asking:
    """Requests to the API with somebody's token.

    Parameters
    ----------
    api
        The application.
    token
        Of a session; empty for nobody.
    address
        Where the person sits: failed logins are counted by it.
    """

    def __init__(self, api: ASGIApp, token: str, address: tuple[str, int] = ("console", 0)) -> None:
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=api, client=address),
            base_url="http://console",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            trust_env=False,
        )

    async def answer(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - of httpx
        """What a request is answered.

        Raises
        ------
        ProblemError
            When it is refused.
        """
        found = await self._client.request(method, path, **more)
        if found.status_code >= 400:  # noqa: PLR2004 - of HTTP
            raise ProblemError(problem_of(found))
        return found

    async def get(self, path: str, **parameters: object) -> Any:  # noqa: ANN401 - as documented for the route
        """What a GET answers; parameters without a value are left out."""
        given = _given(parameters)
        more = {"params": given} if given else {}  # empty ones would take away those that the path has
        return msgspec.json.decode((await self.answer("GET", path, **more)).content)

    async def page(self, path: str, **parameters: object) -> tuple[Any, str | None]:
        """What a GET of a list answers, and the cursor of the next page by the header ``Link``; None at the end."""
        found = await self.answer("GET", path, params=_given(parameters))
        onward = found.links.get("next")
        return msgspec.json.decode(found.content), httpx.URL(onward["url"]).params[
            "cursor"
        ] if onward else None

    async def each(self, *paths: str) -> list[Any]:
        """What several GETs answer, asked at once."""
        return await asyncio.gather(*(self.get(path) for path in paths))


def _given(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value not in (None, "")}


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """The problem of an answer, also where what failed is not ours."""
    try:
        found = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        found = None
    if isinstance(found, dict) and "detail" in found and isinstance(found["detail"], str):
        return found | {"status": answer.status_code}
    return {"status": answer.status_code, "title": answer.reason_phrase, "detail": answer.text[:500]}
