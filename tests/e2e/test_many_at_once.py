"""Fifty officers and two hundred customers at random on a thousand cases: nothing lost, doubled or deadlocked."""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
import sqlalchemy as sa

from limitkeeper.app.verification import evidence_verified
from limitkeeper.core.access.actors import COMMITTEE, CUSTOMER, OFFICER, SYSTEM
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.tables import proposals
from limitkeeper.store.work import work
from tests.mandated import mandated
from tests.workflow_server import WorkflowServer, awaited, workflow_server

OFFICERS, MEMBERS, CASES, ACTS = 45, 5, 1_000, 8

CUSTOMERS, WISHES = 200, 1

LIMIT_CENTS = 500_000

REASON = {
    "code": "late_recent", "en": "Recent payments here were late", "help_en": "Pay on time.",
    "zh": "近期在本平台还款逾期", "help_zh": "按时还款。",
}  # fmt: skip

TEAM_ACTS = ("claim", "claim", "claim", "approve", "comment", "ask", "answer", "recuse")
OWN_ACTS = ("approve", "approve", "refuse", "release", "ask", "answer", "send-up")
COMMITTEE_ACTS = ("vote-for", "vote-for", "vote-against", "send-back", "comment")


@pytest.fixture
def server(store_url: str, tmp_path: Path) -> Iterator[WorkflowServer]:
    stated = [
        {"account_id": f"a{k}", "customer_id": f"c{k % CUSTOMERS}", "limit_cents": float(LIMIT_CENTS)}
        for k in range(CASES)
    ]
    accounts = pl.DataFrame(stated)
    with workflow_server(store_url, tmp_path, accounts) as found:
        yield found


def proposed(server: WorkflowServer) -> None:
    """Proposals to cut a limit to a half, so that people decide."""
    trace = {"inputs": {"balance_cents": 0.0}, "rules": [], "reasons": [REASON]}
    now_us, store = server.clock(), server.engine.store
    sequence = store.written() + 1
    with work(store, SYSTEM, now_us) as w:
        w.add(proposals, *({
            "proposal_id": f"p{k}", "account_id": f"a{k}", "decision_id": f"d{k}", "action": "decrease", "rule": "low",
            "limit_before_cents": LIMIT_CENTS, "limit_after_cents": LIMIT_CENTS // 2, "made_us": now_us, "status": "open",
            "status_us": now_us, "reason": None, "trace": json.dumps(trace), "sequence": sequence,
        } for k in range(CASES)))  # fmt: skip
    later = pl.DataFrame({"account_id": ["later"], "limit_cents": [1.0]})
    server.engine.submit(Request("accounts", later)).result()  # the micro-batch that they are said to be of


class Crowd:
    """People who act at random, and what they were answered."""

    def __init__(self, server: WorkflowServer, case_ids: list[str]) -> None:
        self.server, self.case_ids = server, case_ids
        self.statuses: Counter[int] = Counter()
        self.wishes: Counter[int] = Counter()
        self.done: list[tuple[str, int, str]] = []
        self.problems: list[str] = []
        self.lock = threading.Lock()

    def officer(self, client: httpx.Client, name: str, acts: tuple[str, ...]) -> None:
        """Act on cases as they are seen, or were a moment ago; some requests are sent twice."""
        chance = random.Random(name)  # noqa: S311 - which case is no secret
        try:
            for turn in range(ACTS):
                case_id = chance.choice(self.case_ids[:60] if turn % 4 else self.case_ids)
                seen = client.get(f"/v1/cases/{case_id}")
                version = int(seen.headers["etag"].strip('"')) - (chance.random() < 0.05)
                headers = {"If-Match": f'"{version}"', "Idempotency-Key": f"{name}-{turn}"}
                likely = OWN_ACTS if seen.json()["claimed_by"] == name else acts
                path, words = f"/v1/cases/{case_id}/{chance.choice(likely)}", {"words": "so it is"}
                for _ in range(1 + (chance.random() < 0.2)):
                    self.heard(name, case_id, client.post(path, json=words, headers=headers))
        except Exception as error:  # noqa: BLE001 - told by the test, whose thread this is not
            self.problems.append(f"{name}: {error!r}")

    def customer(self, client: httpx.Client, name: str, number: int) -> None:
        """Lower one's own lines, take that back, look at others' in vain, say how one is written to."""
        chance = random.Random(name)  # noqa: S311 - which line is no secret
        try:
            for turn in range(WISHES):
                line = f"/v1/lines/a{number + CUSTOMERS * chance.randrange(CASES // CUSTOMERS)}"
                headers = {"Idempotency-Key": f"{name}-{turn}"}
                wish = {"limit_cents": LIMIT_CENTS - 10_000 * chance.randrange(1, 40)}
                for _ in range(1 + (chance.random() < 0.3)):
                    self.wished(client.post(f"{line}/requests", json=wish, headers=headers))
                if chance.random() < 0.4:
                    self.wished(client.post(f"{line}/requests/take-back"))
                self.wished(client.get(line))
                other = client.get(f"/v1/lines/a{(number + 1) % CUSTOMERS}")
                assert other.status_code in (403, 404), other.text
                home = f"/v1/customers/c{number}"
                seen = {"If-Match": client.get(home).headers["etag"]}
                self.wished(client.patch(home, json={"quiet_from_hour": turn}, headers=seen))
        except Exception as error:  # noqa: BLE001 - told by the test, whose thread this is not
            self.problems.append(f"{name}: {error!r}")

    def wished(self, answer: httpx.Response) -> None:
        """Keep what a customer was answered."""
        with self.lock:
            self.wishes[answer.status_code] += 1
            if answer.status_code >= 500:
                self.problems.append(answer.text)

    def heard(self, name: str, case_id: str, answer: httpx.Response) -> None:
        """Keep what was answered."""
        with self.lock:
            self.statuses[answer.status_code] += 1
            if answer.status_code == 200:
                self.done.append((case_id, answer.json()["version"], name))
            elif answer.status_code >= 500:
                self.problems.append(answer.text)


def grouped(rows: list[dict[str, Any]], key: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def test_officers_and_customers_at_once_lose_nothing_and_double_nothing(server: WorkflowServer) -> None:
    names = [f"o{k}" for k in range(OFFICERS)] + [f"m{k}" for k in range(MEMBERS)]
    for name in names:
        server.let_in(name, COMMITTEE if name[0] == "m" else OFFICER)
    with work(server.engine.store, SYSTEM, server.clock()) as w:
        mandated(w, *((name, 3 if name[0] == "m" else 2) for name in names))
    proposed(server)
    store = server.engine.store
    awaited(lambda: len(store.rows(sa.select(cases.c.case_id))) == CASES)
    crowd = Crowd(server, [row["case_id"] for row in store.rows(sa.select(cases.c.case_id))])
    threads = [
        threading.Thread(
            target=crowd.officer,
            args=(server.session(name).client, name, COMMITTEE_ACTS if name[0] == "m" else TEAM_ACTS),
        )
        for name in names
    ]
    for k in range(CUSTOMERS):
        server.let_in(f"kim{k}", CUSTOMER, customer_id=f"c{k}")
        client = server.session(f"kim{k}").client
        threads.append(threading.Thread(target=crowd.customer, args=(client, f"kim{k}", k)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert crowd.problems == []
    assert set(crowd.wishes) <= {200, 201, 409, 412, 422}
    assert min(crowd.wishes[200], crowd.wishes[201]) > CUSTOMERS // 2
    assert set(crowd.statuses) <= {200, 409, 412}
    assert min(crowd.statuses[200], crowd.statuses[412] + crowd.statuses[409]) > 100

    acts = store.rows(sa.select(case_acts).order_by(case_acts.c.case_id, case_acts.c.version))
    of_cases = grouped(acts, "case_id")
    rows = store.rows(sa.select(cases))
    for row in rows:
        assert [act["version"] for act in of_cases[row["case_id"]]] == list(range(1, row["version"] + 1))
    by_people = {
        (act["case_id"], act["version"], act["actor_id"]) for act in acts if act["actor_id"] in names
    }
    assert by_people == set(crowd.done)
    approved = {row["case_id"] for row in rows if row["state"] == "approved"}
    assert len(approved) > 5
    entries = store.rows(sa.select(limit_entries))
    limits = {row["account_id"]: row["limit_cents"] for row in store.rows(sa.select(lines))}
    lowering = Counter(entry["case_id"] for entry in entries if entry["action"] == "decrease")
    assert set(lowering) <= approved
    assert set(lowering.values()) == {1}
    told = Counter(row["kind"] for row in store.rows(sa.select(notices)))
    asked_for = [row for row in rows if row["kind"] == "request"]
    assert len(asked_for) > CUSTOMERS // 2
    assert told["limit_decreased"] <= len(approved) - len(asked_for)
    assert told["lowered_at_request"] == len(asked_for)
    for account, own in grouped(entries, "account_id").items():
        assert [entry["number"] for entry in sorted(own, key=lambda each: each["number"])] == list(
            range(1, len(own) + 1)
        )
        assert sum(entry["delta_cents"] for entry in own) == limits[account]
    found = evidence_verified(store)
    assert (found.audit.broken, found.faults) == (None, [])
