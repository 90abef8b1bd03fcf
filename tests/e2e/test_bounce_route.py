"""A mail server's report goes by HTTP to the running server, which tries the next channel and shows what nobody took."""

import datetime as dt
from pathlib import Path

import httpx

from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.notices import contact_added, written
from limitkeeper.connectors.mail import MailServer
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.notice.notice import NoticeFacts
from limitkeeper.store.work import work
from tests.delivery_reports import ADDRESS, report
from tests.postman import postman
from tests.workflow_server import SEAL, WorkflowServer, awaited, workflow_server

FACTS = NoticeFacts("freeze_lifted", "**** 1", "¥", limit_after_cents=100, effective_day=dt.date(2026, 9, 21))
MAIL = {"content-type": "message/rfc822"}


def gauges(server: WorkflowServer) -> dict[str, float]:
    lines = httpx.get(
        f"{server.address}/metrics", headers=server.service("watch", "metrics.read").client.headers
    )
    return {
        line.split()[0]: float(line.split()[1])
        for line in lines.text.splitlines()
        if line.startswith(("limitkeeper_notices", "limitkeeper_campaigns"))
    }


def test_report_breaks_the_contact_once_and_a_notice_that_nobody_takes_shows(
    store_url: str, tmp_path: Path
) -> None:
    with postman() as post:
        mail = MailServer("127.0.0.1", post.port, "credit@lender.test", "lender.test", is_encrypted=False)
        with workflow_server(store_url, tmp_path, channels={"mail": mail.send}) as server:
            with work(server.engine.store, SYSTEM, server.clock()) as w:
                preferences_set(w, "c", {"quiet_from_hour": 0, "quiet_to_hour": 0})
                contact_added(w, SEAL, "c", "mail", ADDRESS, 0)
                written(w, SEAL, "c", "a", FACTS, "en")
            (letter,) = awaited(lambda: post.taken)
            told = report(letter)
            assert gauges(server)["limitkeeper_notices_dead"] == 0
            assert gauges(server)["limitkeeper_campaigns_failing"] == 0
            provider = server.service("provider", "notice.bounce")
            other = server.service("other", "events.send")
            path = "/v1/notices/bounces"
            other.asked("POST", path, status=403, content=None, headers=MAIL)
            none = {"broken": 0, "given_up": 0, "noted": 0, "known": 0, "unknown": 0}
            for headers, counted in ((MAIL | {"idempotency-key": "1"}, "broken"),) * 2 + ((MAIL, "known"),):
                answer = provider.client.post(path, content=told, headers=headers)
                assert (answer.status_code, answer.json()) == (200, none | {counted: 1})
            assert provider.client.post(path, content=b"Subject: hello", headers=MAIL).status_code == 422
            bounce = {"letter_id": "f" * 64, "action": "failed", "status": "5.1.1"}
            assert provider.post(path, {"bounces": [bounce]}) == none | {"unknown": 1}
            for broken in (
                {},
                {"bounces": []},
                {"bounces": [bounce | {"status": "6.0.0"}]},
                {"bounces": [bounce] * 1_001},
            ):
                provider.asked("POST", path, broken, status=422)
            awaited(lambda: gauges(server)["limitkeeper_notices_dead"] == 1)
            assert gauges(server)["limitkeeper_notices_waiting"] == 0
