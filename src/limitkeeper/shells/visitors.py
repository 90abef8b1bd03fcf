"""People of the demonstration who act before the visitor comes, by the same HTTP routes as everybody."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx
import polars as pl
import sqlalchemy as sa
import structlog

from limitkeeper.app.campaigns import standing_of
from limitkeeper.app.demo_bank import DemoBank
from limitkeeper.app.people import person_added
from limitkeeper.core.access.actors import CUSTOMER, SYSTEM
from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.store.case_tables import cases
from limitkeeper.store.work import reading, work

log = structlog.get_logger()

PASSWORD = "limitkeeper demo"  # noqa: S105 - shown on the start page, of a server on this machine alone

MANDATES = (("mia", "ann", 2), ("mia", "bob", 2), ("max", "mia", 3), ("mia", "max", 3), ("mia", "moe", 3))
"""Who gives whom a mandate of which tier."""

CUSTOMERS = ("kim", "lin")
"""Two whose lines were lowered: one looks, the other has appealed."""

UNUSED = {"where": "utilisation < 0.8", "share": "0.8"}
"""Of lines that do not use a fifth of their limit: what becomes of it."""

CAMPAIGN_MAX = 400
"""Lines in the campaign: the largest."""

PATIENCE_SECONDS = 120.0
SETTLING_SECONDS = 3.0
"""Between two counts of the cases that are opened."""


@contextmanager
def left_out_if_it_fails(part: str) -> Iterator[None]:
    """A part of the preparation that the rest does without where it cannot be done; the log then tells which."""
    try:
        yield
    except (httpx.HTTPError, LimitkeeperError, Unprepared) as error:
        log.warning(
            "demonstration_part_left_out", part=part, problem=f"{type(error).__name__}: {error}"[:500]
        )


class Unprepared(Exception):  # noqa: N818 - no error of the program: the bank at hand has nothing for this part
    """What keeps a part of the demonstration from being prepared."""


class Visitors:
    """People of the demonstration who act by the same HTTP routes as everybody.

    Parameters
    ----------
    address
        Of the server.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._clients: dict[str, httpx.Client] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()

    def answered(self, name: str, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - of httpx
        """What somebody is answered.

        Raises
        ------
        Unprepared
            When it is refused.
        """
        if name not in self._clients:
            client = httpx.Client(base_url=self._address, timeout=60)
            login = client.post("/v1/login", json={"person_id": name, "password": PASSWORD})
            if login.is_error:
                client.close()
                raise Unprepared(f"{name} is not let in: {login.text[:300]}")
            client.headers["Authorization"] = f"Bearer {login.json()['token']}"
            self._clients[name] = client
        found = self._clients[name].request(method, path, **more)
        if found.is_error:
            raise Unprepared(f"{method} {path}: {found.text[:300]}")
        return found

    def asked(self, name: str, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - of httpx
        """The document that somebody is answered; errors as of :meth:`answered`."""
        return self.answered(name, method, path, **more).json()

    def acted(self, name: str, case_id: str, act: str, words: str = "") -> None:
        """Act on a case as it is."""
        version = self.asked(name, "GET", f"/v1/cases/{case_id}")["version"]
        headers = {"If-Match": f'"{version}"'}
        self.asked(name, "POST", f"/v1/cases/{case_id}/{act}", json={"words": words}, headers=headers)

    def work(self, engine: Engine, bank: DemoBank) -> None:
        """Let two customers in, give mandates, look at some cases, and propose a campaign; each part for itself."""
        for part, done in (
            ("mandates", self.mandates),
            ("customers", lambda: self.customers(engine, bank)),
            ("cases", self.cases),
            ("campaign", lambda: self.campaign(engine)),
        ):
            with left_out_if_it_fails(part):
                done()

    def mandates(self) -> None:
        """Give them."""
        for giver, name, tier in MANDATES:
            self.asked(giver, "POST", "/v1/mandates", json={"person_id": name, "tier": tier})

    def customers(self, engine: Engine, bank: DemoBank) -> None:
        """Let two in whose lines were lowered, else any; the second has appealed, if there is a decision."""

        def lowered() -> list[dict[str, Any]]:
            path = "/v1/cases?state=approved&kind=decision&limit=50"
            found = self.asked("ann", "GET", path)["items"]
            return [case for case in found if case["action"] == "decrease" and case["customer_id"]]

        theirs: dict[str, dict[str, Any] | None] = {}
        with left_out_if_it_fails("lowered lines"):
            theirs |= {case["customer_id"]: case for case in self.until(lowered)}
        for customer_id in bank.accounts["customer_id"].head(len(CUSTOMERS)):
            theirs.setdefault(customer_id, None)
        for name, (customer_id, case) in zip(CUSTOMERS, theirs.items(), strict=False):
            with work(engine.store, SYSTEM, engine.as_of_us()) as w:
                person_added(w, name, [CUSTOMER], PASSWORD, customer_id)
            if name != CUSTOMERS[0] and case is not None:
                self.appealed(name, case)

    def cases(self) -> None:
        """Ask, send up and comment, each on a case of his own."""
        waiting = self.until(
            lambda: self.asked("ann", "GET", "/v1/cases?tier=2&is_live=true&limit=20")["items"]
        )
        for case, act, words in zip(waiting, ("ask", "send-up", "comment"), (
            "Was the salary late, or is there more?", "More than a wrong day, I think.", "Called, no answer yet.",
        ), strict=False):  # fmt: skip
            self.acted("ann", case["case_id"], "claim")
            self.acted("ann", case["case_id"], act, words)

    def campaign(self, engine: Engine) -> None:
        """Propose a fifth less for lines on which nothing else waits and that do not use that fifth, with its worth."""
        self.settle(engine)
        chosen = self.answered("sue", "GET", "/v1/campaigns/selection", params=UNUSED)
        lines = pl.read_csv(chosen.content, infer_schema_length=None)
        with reading(engine.store, SYSTEM, engine.as_of_us()) as w:
            busy = standing_of(w, lines["account_id"]).busy
        lines = (
            lines.join(busy, on="account_id", how="anti")
            .sort("limit_before_cents", "account_id", descending=[True, False])
            .head(CAMPAIGN_MAX)
        )
        # Two, of as many lines as can be, so that who looks may split it.
        is_large = pl.col("limit_before_cents") > pl.col("limit_before_cents").median()
        lines = lines.with_columns(
            segment=pl.when(is_large).then(pl.lit("large limit")).otherwise(pl.lit("small limit"))
        )
        named = {"name": "Unused limits", "reasons": "product_change"}
        csv = {"Content-Type": "text/csv"}
        self.asked("sue", "POST", "/v1/campaigns", params=named, content=lines.write_csv(), headers=csv)

    def settle(self, engine: Engine) -> None:
        """Wait until the cases of the past are opened, so that nothing else waits on what is chosen afterwards."""
        before = None
        for _ in range(int(PATIENCE_SECONDS / SETTLING_SECONDS)):
            (found,) = engine.store.rows(sa.select(sa.func.count().label("cases")).select_from(cases))
            if before is not None and found["cases"] - before <= before // 100:
                return
            before = found["cases"]
            time.sleep(SETTLING_SECONDS)

    def appealed(self, name: str, case: dict[str, Any]) -> None:
        """Appeal against a case, with a file."""
        text = "发薪日从一号改到了五号，账单日没有改，所以晚了几天。请看附件。"
        given = {"account_id": case["account_id"], "case_id": case["case_id"], "text": text}
        appeal = self.asked(name, "POST", "/v1/appeals", json=given)
        letter = ("letter.txt", "证明：自本月起工资于每月五日发放。".encode(), "text/plain")
        self.asked(name, "POST", f"/v1/appeals/{appeal['appeal_id']}/evidence", files={"file": letter})

    def until(self, look: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """What is found as soon as something is.

        Raises
        ------
        Unprepared
            When nothing comes.
        """
        for _ in range(int(PATIENCE_SECONDS)):
            if found := look():
                return found
            time.sleep(1.0)
        raise Unprepared("nothing came")
