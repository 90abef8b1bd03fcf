"""The figures and the screen of ``limitkeeper top``, without a server."""

import bisect
import datetime as dt
import io
import json
import math
import random
from itertools import pairwise
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from rich.console import Console

from limitkeeper.app.policy import LANGUAGES, POLICY
from limitkeeper.shells.terminal.figures import Look, Metrics, buckets_between, figures, quantile_seconds
from limitkeeper.shells.terminal.look import GAUGES, ServerAwayError, look, metrics_from_text
from limitkeeper.shells.terminal.screen import screen, screen_words

AT = dt.datetime(2026, 11, 24, 8, 0, 0, tzinfo=dt.UTC)
GAUGE_VALUES = dict.fromkeys(GAUGES, 0.0) | {"queue_bound_events": 1_000.0, "accounts": 12.0}
ALERT = {
    "account_id": "a-1", "trigger": "suspected_violation", "severity": "critical", "status": "open",
    "rules": ["violation_flagged", "cash_out_pattern"], "hits": 3, "seen_at": "2026-11-24T07:59:00+00:00",
}  # fmt: skip
PROPOSAL = {
    "account_id": "a-1", "action": "decrease", "rule": "violation_flagged", "limit_before_cents": 500_000,
    "limit_after_cents": 250_000, "status": "open", "made_at": "2026-11-24T07:59:00+00:00",
}  # fmt: skip


def seen(
    seconds: float,
    counters: dict[str, dict[str, int]] | None = None,
    latency: dict[float, int] | None = None,
    **changed: Any,
) -> Look:
    whole = {
        "at": AT, "seconds": seconds, "ready": True, "store_failing_seconds": 0.0,
        "metrics": Metrics(counters or {}, GAUGE_VALUES, latency or {}), "alerts": [], "proposals": [],
    }  # fmt: skip
    return Look(**whole | changed)


def drawn(
    document: dict[str, Any], language: str = "en", *, every: float | None = None, height: int = 40
) -> str:
    paper = io.StringIO()
    console = Console(width=100, height=height, color_system=None, force_terminal=True, file=paper)
    console.print(screen(document, "http://here", every, screen_words(language), console))
    return paper.getvalue()


def test_quantile_lies_in_the_bucket_of_the_batch_at_its_rank() -> None:
    chance, bounds = random.Random(7), (0.01, 0.1, 0.5, 1.0)  # noqa: S311 - for times, not secrets
    for count in (1, 2, 7, 100, 333):
        times = sorted(chance.choice((0.2, 1.0)) * chance.random() for _ in range(count))
        buckets = {bound: bisect.bisect_right(times, bound) for bound in bounds} | {math.inf: count}
        for share in (0.01, 0.5, 0.99, 1.0):
            at_rank = times[math.ceil(share * count) - 1]
            low, high = next((a, b) for a, b in pairwise((0.0, *bounds)) if a < at_rank <= b)
            found = quantile_seconds(buckets, share)
            assert found is not None
            assert low < found <= high


def test_quantile_is_linear_within_its_bucket() -> None:
    buckets = {1.0: 20, 2.0: 60, 5.0: 100, math.inf: 100}
    assert quantile_seconds(buckets, 0.3) == 1.25
    assert quantile_seconds(buckets, 0.8) == 3.5


def test_quantile_beyond_the_largest_bound_is_that_bound() -> None:
    assert quantile_seconds({1.0: 1, 10.0: 2, math.inf: 100}, 0.5) == 10.0


def test_no_batches_have_no_quantile() -> None:
    assert quantile_seconds({}, 0.5) is None
    assert quantile_seconds({1.0: 0, math.inf: 0}, 0.5) is None


def test_batches_since_a_restart_are_all_that_the_new_server_did() -> None:
    assert buckets_between({1.0: 8, math.inf: 9}, {1.0: 1, math.inf: 10}) == {1.0: 1, math.inf: 10}
    assert buckets_between({1.0: 8, math.inf: 9}, {}) == {}
    assert buckets_between({}, {1.0: 2, math.inf: 3}) == {1.0: 2, math.inf: 3}


def test_rates_are_what_grew_over_the_time_between_two_looks() -> None:
    before = seen(
        10.0, {"events": {"accepted": 100, "rejected": 4}, "alerts": {"x": 1}}, {1.0: 2, math.inf: 2}
    )
    now = seen(14.0, {"events": {"accepted": 140, "rejected": 4}, "alerts": {"x": 3}}, {1.0: 4, math.inf: 4})
    found = figures(before, now)
    assert found["interval_seconds"] == 4.0
    assert found["events"] == {
        "accepted": {"total": 140, "per_second": 10.0},
        "rejected": {"total": 4, "per_second": 0.0},
        "duplicate": {"total": 0, "per_second": 0.0},
    }
    assert found["alerts"] == {"x": {"total": 3, "per_minute": 30.0}}
    assert found["latency"]["interval"]["micro_batches"] == 2
    assert found["latency"]["since_start"]["micro_batches"] == 4


def test_first_look_has_totals_and_no_rates() -> None:
    found = figures(None, seen(10.0, {"events": {"accepted": 7}, "rejects": {"too_late": 2}}))
    assert found["interval_seconds"] is None
    assert found["events"]["accepted"] == {"total": 7, "per_second": None}
    assert found["rejects"] == {"too_late": {"total": 2, "per_minute": None}}
    assert found["latency"]["interval"] is None
    assert "–" in drawn(found)


def test_counter_that_fell_has_no_rate_and_a_new_label_grew_from_nothing() -> None:
    found = figures(seen(1.0, {"alerts": {"x": 9}}), seen(61.0, {"alerts": {"x": 2, "y": 5}}))
    assert found["alerts"] == {"x": {"total": 2, "per_minute": None}, "y": {"total": 5, "per_minute": 5.0}}


class Counted:
    """Counters and gauges under the names of a server."""

    def collect(self) -> list[Metric]:
        events = CounterMetricFamily("limitkeeper_events", "Events.", labels=["outcome"])
        events.add_metric(["accepted"], 41)
        gauges = [GaugeMetricFamily(f"limitkeeper_{name}", name, value=GAUGE_VALUES[name]) for name in GAUGES]
        return [events, *gauges]


@pytest.fixture
def metrics_text() -> str:
    registry = CollectorRegistry()
    registry.register(Counted())  # type: ignore[arg-type]
    seconds = Histogram("limitkeeper_batch_seconds", "Work.", ["kind"], buckets=(0.1, 1.0), registry=registry)
    for kind, time in (("events", 0.05), ("events", 0.5), ("events", 5.0), ("tick", 0.5)):
        seconds.labels(kind).observe(time)
    return generate_latest(registry).decode()


def test_metrics_are_read_and_batches_that_are_no_events_left_out(metrics_text: str) -> None:
    found = metrics_from_text(metrics_text)
    assert found.counters == {"events": {"accepted": 41}}
    assert found.gauges == GAUGE_VALUES
    assert found.latency == {0.1: 1, 1.0: 2, math.inf: 3}


@pytest.mark.parametrize("text", ["", "<html></html>", "limitkeeper_accounts 1\n", "python_info{} x"])
def test_text_of_something_else_is_told_as_such(text: str) -> None:
    with pytest.raises(ServerAwayError, match="no Limitkeeper server"):
        metrics_from_text(text)


def answering(documents: dict[str, tuple[int, str]]) -> httpx.Client:
    def answer(request: httpx.Request) -> httpx.Response:
        status, text = documents[request.url.path]
        return httpx.Response(status, text=text)

    return httpx.Client(base_url="http://here", transport=httpx.MockTransport(answer))


def test_store_that_fails_hides_the_lists_and_leaves_the_figures(metrics_text: str) -> None:
    failing = json.dumps({"ready": False, "store_failing_seconds": 8.0, "sequence": 3})
    documents = {"/readyz": (503, failing), "/metrics": (200, metrics_text)}
    lists = {"/v1/alerts": (500, "Internal Server Error"), "/v1/proposals": (500, "Internal Server Error")}
    found = figures(None, look(answering(documents | lists)))
    assert (found["ready"], found["accounts"], found["latest_alerts"]) == (False, 12, None)
    shown = drawn(found)
    assert "✘ not ready: its store has not answered for 8 s" in shown
    assert "Latest alerts: the store does not answer" in shown


@pytest.mark.parametrize("readiness", ["[]", "{}", "no", '{"ready": true, "store_failing_seconds": null}'])
def test_readiness_of_something_else_is_told_as_such(metrics_text: str, readiness: str) -> None:
    documents = {"/readyz": (200, readiness), "/metrics": (200, metrics_text)}
    with pytest.raises(ServerAwayError, match="no Limitkeeper server"):
        look(answering(documents))


def test_both_languages_have_the_same_words_with_the_same_gaps() -> None:
    english, chinese = (
        yaml.safe_load((POLICY / "wording" / language / "top.yaml").read_text(encoding="utf-8"))
        for language in LANGUAGES
    )
    assert list(english) == list(chinese)
    for name, text in english.items():
        assert sorted(gaps(text)) == sorted(gaps(chinese[name])), name


def gaps(text: str) -> list[str]:
    return [part.split("}")[0] for part in text.split("{")[1:]]


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ("✔ ready", "suspected violation", "critical", "violation_flagged, cash_out_pattern", "decrease",
                "5,000.00 → 2,500.00", "4 of 1,000 events wait (0.4%)")),
        ("zh", ("✔ 就绪", "疑似违规", "危急", "violation_flagged, cash_out_pattern", "降额", "5,000.00 → 2,500.00",
                "4 个事件等待，上限 1,000（0.4%）")),
    ],
)  # fmt: skip
def test_screen_tells_everything_in_words_where_there_is_no_colour(
    language: str, told: tuple[str, ...]
) -> None:
    metrics = Metrics({}, GAUGE_VALUES | {"waiting_events": 4.0}, {})
    shown = drawn(figures(None, seen(1.0, metrics=metrics, alerts=[ALERT], proposals=[PROPOSAL])), language)
    for text in told:
        assert text in shown


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "; 2 dead: no channel took them"), ("zh", "；2 条无渠道送达")],
)  # fmt: skip
def test_notices_that_nobody_took_have_a_line_where_there_is_workflow(language: str, told: str) -> None:
    notices = {"notices_waiting": 3.0, "notices_waiting_seconds": 60.0, "notices_dead": 2.0}
    found = figures(None, seen(1.0, metrics=Metrics({}, GAUGE_VALUES | notices, {})))
    assert found["notices"] == {"waiting": 3, "waiting_seconds": 60.0, "dead": 2}
    assert told in drawn(found, language)
    assert figures(None, seen(1.0))["notices"] is None


@pytest.mark.parametrize(("language", "told"), [("en", "2 cannot be worked off"), ("zh", "2 项暂时无法执行")])
def test_campaigns_that_fail_have_a_line_and_others_none(language: str, told: str) -> None:
    found = figures(None, seen(1.0, metrics=Metrics({}, GAUGE_VALUES | {"campaigns_failing": 2.0}, {})))
    assert found["campaigns_failing"] == 2
    assert told in drawn(found, language)
    assert told not in drawn(figures(None, seen(1.0)), language)


def test_notices_are_read_from_the_metrics(metrics_text: str) -> None:
    text = metrics_text + "# TYPE limitkeeper_notices_dead gauge\nlimitkeeper_notices_dead 2.0\n"
    assert metrics_from_text(text).gauges["notices_dead"] == 2.0


def test_lists_are_cut_to_the_height_of_the_terminal_and_whole_in_one_look() -> None:
    found = figures(None, seen(1.0, alerts=[ALERT] * 8, proposals=[PROPOSAL] * 8))
    live = drawn(found, every=2.0, height=28)
    assert len(live.splitlines()) <= 28
    assert 1 <= live.count("suspected violation") < 8
    assert 1 <= live.count("decrease") < 8
    assert drawn(found).count("suspected violation") == 8


def test_long_times_are_told_as_the_largest_bound_or_more() -> None:
    found = figures(None, seen(1.0, latency={1.0: 1, 10.0: 1, math.inf: 5}))
    assert "p50 10 s or more, p99 10 s or more of 5 since its start" in drawn(found)


def test_id_cannot_command_the_terminal_nor_style_the_screen() -> None:
    shown = drawn(figures(None, seen(1.0, alerts=[ALERT | {"account_id": "a\x1b[2J\n[red]b\u202e"}])))
    assert "a�[2J�[red]b�" in shown
    assert "\x1b" not in shown


def test_server_that_is_away_is_told_with_since_when_and_why() -> None:
    away = {
        "at": AT.isoformat(),
        "answers": False,
        "since": "2026-11-24T07:58:30+00:00",
        "problem": "No server answers.",
    }
    shown = drawn(away, every=2.0)
    assert "✘ away since 2026-11-24 07:58:30 UTC" in shown
    assert "No server answers." in shown
    assert "Trying again every 2 s" in shown
