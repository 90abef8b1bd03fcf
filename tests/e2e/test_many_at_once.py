"""Fifty officers at random on a thousand cases of a real server: no lost update, no double effect, no deadlock."""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from limitkeeper.app.audit import verified
from limitkeeper.app.mandates import mandate_given
from limitkeeper.core.access.actors import COMMITTEE, OFFICER, SYSTEM
from limitkeeper.core.approval.mandates import Mandate
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.tables import proposals
from limitkeeper.store.work import work
from tests.workflow_server import WorkflowServer, awaited, workflow_server

OFFICERS, MEMBERS, CASES, ACTS = 45, 5, 1_000, 60

REASON = {
    "code": "late_recent", "en": "Recent payments here were late", "help_en": "Pay on time.",
    "zh": "近期在本平台还款逾期", "help_zh": "按时还款。",
}  # fmt: skip

TEAM_ACTS = ("claim", "claim", "claim", "approve", "comment", "ask", "answer", "recuse")
OWN_ACTS = ("approve", "approve", "refuse", "release", "ask", "answer", "send-up")
COMMITTEE_ACTS = ("vote-for", "vote-for", "vote-against", "send-back", "comment")


@pytest.fixture
def server(store_url: str, tmp_path: Path) -> Iterator[WorkflowServer]:
    with workflow_server(store_url, tmp_path) as found:
        yield found


def proposed(server: WorkflowServer) -> None:
    """Proposals to cut a limit to a half, so that people decide."""
    trace = {"inputs": {"balance_cents": 0.0}, "rules": [], "reasons": [REASON]}
    now_us = server.clock()
    with work(server.engine.store, SYSTEM, now_us) as w:
        w.add(proposals, *({
            "proposal_id": f"p{k}", "account_id": f"a{k}", "decision_id": f"d{k}", "action": "decrease", "rule": "low",
            "limit_before_cents": 500_000, "limit_after_cents": 250_000, "made_us": now_us, "status": "open",
            "status_us": now_us, "reason": None, "trace": json.dumps(trace), "sequence": 0,
        } for k in range(CASES)))  # fmt: skip


class Crowd:
    """People who act at random, and what they were answered."""

    def __init__(self, server: WorkflowServer, case_ids: list[str]) -> None:
        self.server, self.case_ids = server, case_ids
        self.statuses: Counter[int] = Counter()
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


def test_fifty_officers_at_once_lose_nothing_and_double_nothing(server: WorkflowServer) -> None:
    names = [f"o{k}" for k in range(OFFICERS)] + [f"m{k}" for k in range(MEMBERS)]
    for name in names:
        server.let_in(name, COMMITTEE if name[0] == "m" else OFFICER)
    with work(server.engine.store, SYSTEM, server.clock()) as w:
        for name in names:
            mandate_given(w, Mandate(name, 3 if name[0] == "m" else 2))
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
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert crowd.problems == []
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
    entries = store.rows(sa.select(limit_entries).where(limit_entries.c.action == "decrease"))
    assert Counter(entry["case_id"] for entry in entries) == Counter(approved)
    assert len(store.rows(sa.select(notices))) == len(approved)
    assert verified(store).broken is None
