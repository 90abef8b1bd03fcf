"""Releases on every store: kept by content, live through every gate, rolled back to the same decisions bit for bit."""

import datetime as dt
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from limitkeeper.app import life
from limitkeeper.app.audit import Search, found_events, verified
from limitkeeper.app.life import (
    challenger_ended,
    champion_rolled_back,
    drafted,
    live_rows,
    release_approved,
    release_assessed,
    release_justified,
    release_put_live,
    release_rolled_back,
    release_validated,
)
from limitkeeper.app.life_contents import released
from limitkeeper.app.life_documents import (
    fairness_document,
    fairness_query,
    release_documents,
    whole_release_document,
)
from limitkeeper.app.life_evidence import UNVOUCHED, screens_failed
from limitkeeper.app.live import Arm, check_decided_by_live, deciding, live_since_sequence, server_standing
from limitkeeper.app.policy import market_parameters, screens_in_force
from limitkeeper.app.portfolio import Portfolio, portfolio_of_accounts
from limitkeeper.app.regulation_policy import regulation
from limitkeeper.app.release_figures import figures_kept
from limitkeeper.app.release_review import ReleaseReview, reviewed_by_releases
from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.core.access.actors import COMMITTEE, COMPLIANCE, STRATEGIST, SYSTEM, Actor
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.compliance.checks import FAILED, UNKNOWN
from limitkeeper.core.compliance.life import Assessment, LifeError
from limitkeeper.core.compliance.regulation import Finding
from limitkeeper.core.kernel.errors import InputError, PolicyError
from limitkeeper.core.risk.model import InputColumn, Model
from limitkeeper.store.life_tables import artefacts, release_acts, release_reviews, releases
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import store_heads
from limitkeeper.store.work import ConflictError, Work, reading, work
from tests.fairness_screens import REPORT, screen_of
from tests.simulated_accounts import simulated_scorecard

NOW_US = 1_790_000_000_000_000
CARD = simulated_scorecard(characteristics=2)
MODEL = Model("pd", "bad", "1", "a year", tuple(InputColumn(n, "number") for n in CARD.names), (), (), CARD)
REGISTER = """
own:
  description: Columns of a test
  description_zh: 测试列
  source: simulated
  purposes: [credit_risk]
  basis: {CN: contract}
  sensitivity: financial
  retention_days: {2020-01-01: 365}
  forbidden: {}
  names: [x0, x1]
"""
TEXTS = {name: strategy_path(name).read_text(encoding="utf-8") for name in ("standard", "cautious")}
WHOLE = Assessment("limits follow risk", "no milder means", "a limit may fall", "notice, appeal, human")
SAM, KIM, IVY = (
    Actor(name, frozenset({role})) for name, role in (("sam", STRATEGIST), ("kim", COMMITTEE), ("ivy", COMPLIANCE))
)  # fmt: skip


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    yield found
    found.close()


def act(store: Store, actor: Actor, command: Callable[..., Any], *arguments: Any) -> Any:
    with work(store, actor, NOW_US) as w:
        return command(w, *arguments)


def change(store: Store, statement: sa.Update) -> None:
    with work(store, SYSTEM, NOW_US) as w:
        w.connection.execute(statement)


def version(store: Store, release_id: str) -> int:
    return int(whole_release_document(store, release_id)["version"])


def step(store: Store, actor: Actor, command: Callable[..., Any], release_id: str, *arguments: Any) -> Any:
    return act(store, actor, command, release_id, version(store, release_id), *arguments)


def draft(store: Store, strategy: str = "standard", register: str | None = REGISTER) -> str:
    return str(act(store, SAM, drafted, TEXTS[strategy], strategy, "CN", MODEL, register))


def drafted_without_model(store: Store) -> str:
    return str(act(store, SAM, drafted, TEXTS["cautious"], "cautious", "CN", None, None))


def approve(store: Store, release_id: str, failed: list[str] | None = None) -> None:
    step(store, SAM, release_validated, release_id)
    screen = screen_of(whole_release_document(store, release_id), failed or ())
    step(store, IVY, release_assessed, release_id, WHOLE, screen)
    if failed:
        step(store, IVY, release_justified, release_id, "no alternative was found")
    step(store, KIM, release_approved, release_id, "seen")
    step(store, IVY, release_approved, release_id, "seen")


def put_live(store: Store, release_id: str, buckets: int = 10_000) -> None:
    step(store, KIM, release_put_live, release_id, buckets)


def champion_and_challenger(store: Store) -> tuple[str, str]:
    """Two live releases: one of all accounts, and one that decides on a quarter of them in its place."""
    one, two = draft(store), draft(store, "cautious")
    for release_id, buckets in ((one, 10_000), (two, 2_500)):
        approve(store, release_id)
        put_live(store, release_id, buckets)
    return one, two


def portfolio(day: int = 1) -> Portfolio:
    count = 400
    frame = pl.DataFrame({
        "account_id": [f"a-{k}" for k in range(count)], "x0": [k % 7 / 2.0 for k in range(count)],
        "x1": [k % 5 / 2.0 for k in range(count)], "limit_cents": [1_000_000.0] * count,
        "balance_cents": [900_000.0 - 1_000 * k for k in range(count)],
        "flag_count_90d": [float(k % 4) for k in range(count)],
    })  # fmt: skip
    as_of = dt.datetime(2026, 1, day, tzinfo=dt.UTC)
    return portfolio_of_accounts(frame, name="p", market="CN", currency="CNY", as_of=as_of)


def review(store: Store) -> ReleaseReview:
    def load(w: Work) -> list[Any]:
        return [released(w, row["release_id"]) for row in live_rows(w, "CN")]

    with reading(store, SYSTEM, NOW_US) as w:
        releases = load(w)
    return reviewed_by_releases(portfolio(), releases, market_parameters("CN", dt.date(2026, 1, 1)))


def test_release_comes_to_live_and_the_store_shows_who_approved_what_and_why(store: Store) -> None:
    release_id = draft(store)
    approve(store, release_id)
    put_live(store, release_id)
    document = whole_release_document(store, release_id[:6])
    assert [each["act"] for each in document["acts"]] == [
        "draft",
        "validate",
        "assess",
        "approve",
        "approve",
        "live",
    ]
    assert document["acts"][2]["detail"]["assessment"]["safeguards"] == WHOLE.safeguards
    assert document["acts"][2]["detail"]["screen"]["report"].startswith("sha256:")
    assert [each["person_id"] for each in document["approvals"]] == ["kim", "ivy"]
    [listed] = release_documents(store, "CN")
    assert (listed["state"], listed["share"], listed["strategy"]) == ("live", 1.0, "standard 2026-11")
    assert found_events(store, Search(subject=f"release:{release_id}"))[0]["act"] == "release.live"
    assert verified(store).broken is None


def test_column_that_nobody_registered_stops_a_release_at_its_first_gate(store: Store) -> None:
    release_id = draft(store, register=None)
    with pytest.raises(LifeError, match="x0") as error:
        step(store, SAM, release_validated, release_id)
    assert error.value.rule == "blocked"
    assert "CN.pipl_6_19_registered" in str(error.value)
    assert "“x0”（模型 pd）未在特征与目的登记中" in error.value.chinese
    assert whole_release_document(store, release_id)["state"] == "draft"


def test_failed_screen_blocks_until_compliance_records_why(store: Store) -> None:
    release_id = draft(store)
    step(store, SAM, release_validated, release_id)
    screen = screen_of(whole_release_document(store, release_id), ["sex: adverse-impact ratio 0.71"])
    step(store, IVY, release_assessed, release_id, WHOLE, screen)
    with pytest.raises(LifeError, match=r"0\.71"):
        step(store, KIM, release_approved, release_id, "")
    step(store, IVY, release_justified, release_id, "the alternative loses more")
    step(store, KIM, release_approved, release_id, "")
    assert whole_release_document(store, release_id)["justified_by"] == "ivy"
    [report] = [fairness_document(row) for row in store.rows(fairness_query())]
    assert (report["release_id"], report["justified_by"], report["strategy"]) == (
        release_id,
        "ivy",
        "standard 2026-11",
    )
    assert report["failed"] == ["sex: adverse-impact ratio 0.71"]


def test_report_on_its_authors_word_alone_waits_for_compliance_and_what_it_was_made_of_is_kept(
    store: Store,
) -> None:
    def kept_of(release_id: str) -> dict[str, Any]:
        return dict(whole_release_document(store, release_id)["acts"][-1]["detail"]["screen"])

    given, vouched, made = draft(store), draft(store, "cautious"), drafted_without_model(store)
    screens = {}
    for release_id in (given, vouched, made):
        step(store, SAM, release_validated, release_id)
        screens[release_id] = screen_of(whole_release_document(store, release_id))
    after = step(store, SAM, release_assessed, given, WHOLE, screens[given])
    assert after.screens_failed == (UNVOUCHED,)
    with pytest.raises(LifeError, match="vouched for it"):
        step(store, KIM, release_approved, given, "")
    step(store, IVY, release_justified, given, "made again: the same figures")
    step(store, KIM, release_approved, given, "")
    assert step(store, IVY, release_assessed, vouched, WHOLE, screens[vouched]).screens_failed == ()
    assert (kept_of(vouched)["vouched_by"], kept_of(vouched)["is_made_here"]) == ("ivy", False)
    with work(store, SAM, NOW_US) as w:
        assert release_assessed(w, made, 2, WHOLE, screens[made], is_made_here=True).screens_failed == ()
    provenance = kept_of(made)["provenance"]
    subject = screens[made]["subject"]
    assert {name: provenance[name] for name in ("strategy", "parameters", "program")} == {
        name: subject[name] for name in ("strategy", "parameters", "program")
    }
    assert (provenance["seed"], provenance["portfolio"]) == (REPORT["seed"], None)


def as_small(part: dict[str, Any]) -> dict[str, Any]:
    """An attribute of a report whose figures all rest on too few accounts."""
    found: dict[str, Any] = json.loads(json.dumps(part).replace('"is_small": false', '"is_small": true'))
    return found


def test_screen_that_a_report_does_not_show_is_no_screen_that_was_passed(store: Store) -> None:
    release_id = draft(store)
    step(store, SAM, release_validated, release_id)
    own = screen_of(whole_release_document(store, release_id))
    hit = json.loads(json.dumps(own))
    group = next(
        each
        for each in hit["attributes"][0]["groups"]
        if each["group"] != hit["attributes"][0]["most_favoured"]
    )
    group["figures"]["adverse_impact_ratio"]["best"] |= {
        "value": 0.5,
        "low": 0.4,
        "high": 0.6,
        "is_small": False,
    }
    subject = {
        "strategy": whole_release_document(store, release_id)["strategy_hash"],
        "model": MODEL.hash,
        "market": "CN",
    }
    policy = screens_in_force(dt.date(2026, 11, 1))
    assert screens_failed(own, subject, policy) == ()
    for screen, told in (
        (hit, "adverse_impact_ratio of"),
        (own | {"subject": own["subject"] | {"strategy": "sha256:0"}}, "of another strategy"),
        (
            own | {"subject": own["subject"] | {"model": "none", "market": "EU"}},
            "of another model and market",
        ),
        (own | {"kind": "campaign"}, "not of a strategy"),
        (own | {"attributes": [], "intersections": []}, "measures no group"),
        (
            own | {"attributes": [as_small(own["attributes"][0]), *own["attributes"][1:]]},
            "screens nothing of 'sex'",
        ),
        (own | {"attributes": own["attributes"][1:]}, "does not measure 'sex'"),
    ):
        (failed,) = screens_failed(screen, subject, policy)
        assert told in failed
    for screen in ({"failed": []}, own | {"attributes": [1]}, own | {"subject": None}, own | {"proxies": 3}):
        with pytest.raises(InputError, match="no fairness report"):
            screens_failed(screen, subject, policy)
    step(store, SAM, release_assessed, release_id, WHOLE, hit)
    with pytest.raises(LifeError, match=r"adverse_impact_ratio of .* is 0\.500"):
        step(store, KIM, release_approved, release_id, "")


def test_same_content_is_one_release_and_an_old_version_is_refused(store: Store) -> None:
    release_id = draft(store)
    with pytest.raises(ConflictError, match="have a release"):
        draft(store)
    step(store, SAM, release_validated, release_id)
    with pytest.raises(LifeError, match="version 1; it is 2"):
        act(store, SAM, release_assessed, release_id, 1, WHOLE, REPORT)


def test_strategy_of_another_market_is_refused(store: Store) -> None:
    with pytest.raises(PolicyError, match="not for this market"):
        act(store, SAM, drafted, TEXTS["standard"], "standard", "EU", MODEL, None)


def test_content_that_was_changed_in_the_store_is_found_by_its_hash(store: Store) -> None:
    release_id = draft(store)
    changed = TEXTS["standard"].replace("value: 0.40", "value: 0.41")
    with work(store, SYSTEM, NOW_US) as w:
        w.connection.execute(artefacts.update().where(artefacts.c.kind == "strategy")
                             .values(content=zlib.compress(changed.encode())))  # fmt: skip
    with pytest.raises(PolicyError, match="not what its hash names"), reading(store, SYSTEM, NOW_US) as w:
        released(w, release_id)


def test_rollback_restores_the_same_decisions_bit_for_bit(store: Store) -> None:
    one, two = draft(store), draft(store, "cautious")
    approve(store, one)
    put_live(store, one)
    first = review(store).decided
    approve(store, two)
    put_live(store, two)
    assert not review(store).decided["action"].equals(first["action"])
    act(store, KIM, champion_rolled_back, "CN", "too many cuts")
    assert review(store).decided.equals(first)
    act(store, KIM, champion_rolled_back, "CN", "it was right after all")
    assert review(store).decided["release_id"].unique().to_list() == [two]


def test_champion_before_that_a_rule_of_today_forbids_is_not_brought_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = draft(store), draft(store, "cautious")
    for release_id in (one, two):
        approve(store, release_id)
        put_live(store, release_id)
    [rule] = [each for each in regulation() if each.id == "CN.pipl_6_purpose"]
    name = "Nothing of before"
    forbids = Finding(replace(rule, id="CN.new"), f"strategy:{one}", FAILED, name, name)
    monkeypatch.setattr(life, "strategy_findings", lambda *_: (forbids,))
    with pytest.raises(LifeError, match=r"CN\.new") as error:
        act(store, KIM, champion_rolled_back, "CN", "too many cuts")
    assert error.value.rule == "blocked"
    assert whole_release_document(store, two)["state"] == "live"
    monkeypatch.setattr(life, "strategy_findings", lambda *_: (replace(forbids, status=UNKNOWN),))
    act(store, KIM, champion_rolled_back, "CN", "too many cuts")
    assert whole_release_document(store, one)["state"] == "live"


def test_challenger_decides_on_its_share_and_its_shadow_lies_apart(store: Store) -> None:
    one, two = draft(store), draft(store, "cautious")
    approve(store, one)
    put_live(store, one)
    approve(store, two)
    put_live(store, two, 2_500)
    found = review(store)
    counts = dict(found.decided.group_by("release_id").len().iter_rows())
    assert found.decided.height == 400
    assert 60 < counts[two] < 140
    assert counts[one] + counts[two] == 400
    assert set(found.shadows[two]["account_id"]).isdisjoint(
        found.decided.filter(pl.col("release_id") == two)["account_id"]
    )
    assert {each["release_id"]: each["share"] for each in release_documents(store)} == {one: 0.75, two: 0.25}


def test_nothing_but_what_is_live_decides_where_something_is(store: Store, store_url: str) -> None:
    with pytest.raises(PolicyError, match="No strategy is live"):
        deciding(store_url, "CN", None, None, must_be_live=True)
    assert deciding(store_url, "CN", None, None, must_be_live=False)[0].strategy.name == "standard"
    release_id = draft(store, "cautious")
    approve(store, release_id)
    put_live(store, release_id)
    (champion,) = deciding(store_url, "CN", None, None, must_be_live=True)
    assert champion.strategy.name == "cautious"
    assert champion.model is not None
    assert champion.model.hash == MODEL.hash
    for must_be_live in (True, False):
        with pytest.raises(PolicyError, match="not the strategy that is live"):
            deciding(store_url, "CN", "standard", None, must_be_live=must_be_live)
    (tried,) = deciding(store_url, "CN", "standard", None, must_be_live=False, is_trial=True)
    assert tried.strategy.name == "standard"


def test_challengers_decide_beside_the_champion_on_the_buckets_that_they_have(
    store: Store, store_url: str
) -> None:
    champion_and_challenger(store)
    champion, challenger = deciding(store_url, "CN", None, None, must_be_live=True)
    assert (champion.strategy.name, champion.buckets) == ("standard", range(0))
    assert (challenger.strategy.name, challenger.buckets) == ("cautious", range(7_500, 10_000))
    store.take({"market": "CN"})
    with reading(store, SYSTEM, NOW_US) as w:
        assert server_standing(w, [champion, challenger])["standing"] == "live"
        assert server_standing(w, [champion])["standing"] == "replaced"


def forged(store: Store, release_id: str, **values: object) -> None:
    """A release's row changed behind the program's back."""
    with store.database.begin() as connection:
        connection.execute(releases.update().where(releases.c.release_id == release_id).values(**values))


def test_release_whose_row_its_acts_did_not_lead_to_decides_nothing_until_another_is_live(
    store: Store, store_url: str
) -> None:
    one, two, draft_only = draft(store), draft(store, "cautious"), drafted_without_model(store)
    for release_id in (one, two):
        approve(store, release_id)
    put_live(store, one)
    put_live(store, two, 2_500)
    decided = pl.DataFrame({
        "decision_id": ["d"], "strategy_hash": [loaded_strategy(strategy_path("standard")).hash],
        "model_hash": [MODEL.hash],
    })  # fmt: skip
    forged(store, draft_only, state="live", bucket_from=1, buckets=100)
    with pytest.raises(LifeError, match=f"{draft_only}: state is live, its acts lead to draft") as error:
        deciding(store_url, "CN", None, None, must_be_live=True)
    assert error.value.rule == "evidence"
    with reading(store, SYSTEM, NOW_US) as w, pytest.raises(LifeError, match="lead to draft"):
        check_decided_by_live(w, decided)
    step(store, KIM, challenger_ended, draft_only, "it was never approved")
    assert len(deciding(store_url, "CN", None, None, must_be_live=True)) == 2
    forged(store, two, bucket_from=5_000, buckets=5_000)
    with pytest.raises(LifeError, match="bucket_from is 5000, its acts lead to 7500"):
        deciding(store_url, "CN", None, None, must_be_live=True)
    forged(store, two, bucket_from=7_500, buckets=2_500)
    with reading(store, SYSTEM, NOW_US) as w:
        check_decided_by_live(w, decided)
        for other in (decided.with_columns(model_hash=pl.lit("sha256:other")), decided.drop("model_hash")):
            with pytest.raises(PolicyError, match="a model that are not live"):
                check_decided_by_live(w, other)


def test_shadow_of_a_challenger_is_no_campaign(store: Store) -> None:
    _, two = champion_and_challenger(store)
    found = review(store)
    with reading(store, SYSTEM, NOW_US) as w:
        check_decided_by_live(w, found.decided)
        with pytest.raises(PolicyError, match="about accounts that are not its own"):
            check_decided_by_live(w, found.shadows[two])


def test_release_that_was_made_approved_or_an_earlier_champion_by_hand_does_not_go_live(store: Store) -> None:
    one, two = draft(store), draft(store, "cautious")
    approve(store, one)
    put_live(store, one)
    step(store, SAM, release_validated, two)
    by = json.dumps([["kim", "committee"], ["ivy", "compliance"]])
    forged(store, two, state="approved", approvals=by, screens_failed="[]")
    with pytest.raises(LifeError) as error:
        put_live(store, two)
    assert error.value.rule == "evidence"
    forged(store, two, state="validated", approvals="[]", screens_failed=None)
    step(store, IVY, release_assessed, two, WHOLE, screen_of(whole_release_document(store, two)))
    for actor in (KIM, IVY):
        step(store, actor, release_approved, two, "seen")
    put_live(store, two, 100)
    step(store, KIM, challenger_ended, two, "no better")
    forged(store, two, is_champion=True)
    with pytest.raises(LifeError) as error:
        act(store, KIM, champion_rolled_back, "CN", "too many cuts")
    assert error.value.rule == "evidence"
    assert whole_release_document(store, one)["state"] == "live"


def test_draft_with_a_model_that_nobody_has_looked_at_for_over_a_year_is_told_so(store: Store) -> None:
    first, second = draft(store), draft(store, "cautious")
    approve(store, first)

    def said(days: int) -> list[tuple[str, str]]:
        with work(store, SAM, NOW_US + days * DAY_US) as w:
            found = release_validated(w, second, 1)
            w.connection.execute(releases.update().where(releases.c.release_id == second).values(
                state="draft", version=1))  # fmt: skip
            w.connection.execute(release_acts.delete().where(
                release_acts.c.release_id == second, release_acts.c.version > 1))  # fmt: skip
        return [(each.status, each.detail) for each in found if each.rule.check == "model_reviewed"]

    assert said(365) == [("met", "reviewed 365 days ago, of 365")]
    assert said(366) == [("failed", "reviewed 366 days ago, of 365")]
    act(store, SAM, figures_kept, first, portfolio(), {"rules": {}})
    with work(store, SAM, NOW_US + 366 * DAY_US) as w:
        w.connection.execute(release_reviews.update().values(made_us=NOW_US + 300 * DAY_US))
    assert said(366) == [("met", "reviewed 66 days ago, of 365")]


def test_model_that_was_never_assessed_has_no_day_of_review(store: Store) -> None:
    found = step(store, SAM, release_validated, draft(store))
    assert [each for each in found if each.rule.check == "model_reviewed"] == []


def test_first_live_release_keeps_after_which_micro_batch_it_decides(store: Store) -> None:
    assert live_since_sequence(store, "CN") == 0
    store.take({"market": "CN"})
    change(store, store_heads.update().values(sequence=7))
    release_id = draft(store)
    approve(store, release_id)
    put_live(store, release_id)
    assert (live_since_sequence(store, "CN"), live_since_sequence(store, "TW")) == (7, 0)


def test_release_that_is_live_in_another_market_lets_nothing_take_effect_here(store: Store) -> None:
    store.take({"market": "CN"})
    elsewhere = str(act(store, SAM, drafted, TEXTS["cautious"], "cautious", "TW", None, None))
    approve(store, elsewhere)
    put_live(store, elsewhere)
    change(store, store_heads.update().values(sequence=7))
    row = whole_release_document(store, elsewhere)
    decided = pl.DataFrame(
        {"decision_id": ["d"], "strategy_hash": [row["strategy_hash"]], "model_hash": ["none"]}
    )
    with reading(store, SYSTEM, NOW_US) as w, pytest.raises(PolicyError, match="not live here"):
        check_decided_by_live(w, decided)
    here = drafted_without_model(store)
    approve(store, here)
    put_live(store, here)
    assert live_since_sequence(store, "CN") == 7, "and not 0, when it was live elsewhere"
    with reading(store, SYSTEM, NOW_US) as w:
        check_decided_by_live(w, decided)


def test_review_is_kept_once_with_the_hits_of_each_rule_on_the_whole_portfolio(store: Store) -> None:
    one, two = champion_and_challenger(store)
    found = review(store)
    for _ in range(2):
        for release_id, figures in found.figures.items():
            act(store, SAM, figures_kept, release_id, portfolio(), figures)
    assert len(store.rows(sa.select(release_reviews))) == 2
    assert found_events(store, Search(subject=f"release:{two}"))[0]["act"] == "release.review"
    for release_id in (one, two):
        kept = whole_release_document(store, release_id)["review"]
        everything = pl.concat(
            [found.decided.filter(pl.col("release_id") == release_id), found.shadows[release_id]]
        )
        assert (kept["accounts"], kept["by"], kept["as_of"][:10]) == (400, "sam", "2026-01-01")
        counts = dict(everything.group_by("action").len().iter_rows())
        assert {action: count for action, count in kept["actions"].items() if count} == counts
        with reading(store, SYSTEM, NOW_US) as w:
            rules = released(w, release_id).strategy.rules
        hits = everything["hits"].to_list()
        by_rule = {rule.id: sum(mask >> bit & 1 for mask in hits) for bit, rule in enumerate(rules)}
        assert {name: each["hits"] for name, each in kept["rules"].items()} == by_rule
        assert by_rule["violations_repeated"] == {one: 100, two: 200}[release_id]
    later = portfolio(day=2)
    act(store, SAM, figures_kept, one, later, found.figures[two])
    assert whole_release_document(store, one)["review"]["rules"] == found.figures[two]["rules"]


def arm_of(store: Store, release_id: str) -> Arm:
    with reading(store, SYSTEM, NOW_US) as w:
        found = released(w, release_id)
    return Arm(found.strategy, found.model)


def test_server_says_by_what_right_its_strategy_decides(store: Store) -> None:
    store.take({"market": "CN"})

    def standing(arm: Arm) -> dict[str, Any]:
        with reading(store, SYSTEM, NOW_US) as w:
            return server_standing(w, [arm])

    nobody = standing(Arm(loaded_strategy(strategy_path("standard")), None))
    assert nobody == {
        "standing": "unreleased",
        "release_id": None,
        "champion_id": None,
        "market": "CN",
        "challengers": [],
    }
    one, two = draft(store), draft(store, "cautious")
    runs = arm_of(store, one)
    assert standing(runs) == nobody | {"release_id": one}
    for release_id, expected in ((one, "live"), (two, "replaced")):
        approve(store, release_id)
        put_live(store, release_id)
        assert standing(runs) == {
            "standing": expected,
            "release_id": one,
            "champion_id": release_id,
            "market": "CN",
            "challengers": [],
        }


def test_trial_is_told_as_a_trial_whatever_is_live(store: Store) -> None:
    store.take({"market": "CN", "trial": True})
    release_id = draft(store)
    approve(store, release_id)
    put_live(store, release_id)
    runs = arm_of(store, release_id)
    with reading(store, SYSTEM, NOW_US) as w:
        found = server_standing(w, [runs])
    assert (found["standing"], found["release_id"]) == ("trial", release_id)


def test_champion_is_rolled_back_by_its_name_as_it_was_seen_and_no_other(store: Store) -> None:
    one, two = draft(store), draft(store, "cautious")
    for release_id in (one, two):
        approve(store, release_id)
        put_live(store, release_id)
    with pytest.raises(LifeError, match="it is") as error:
        act(store, KIM, release_rolled_back, two, 1, "too many cuts")
    assert error.value.rule == "version"
    with pytest.raises(LifeError, match="champion that is live"):
        step(store, KIM, release_rolled_back, one, "too many cuts")
    changed = step(store, KIM, release_rolled_back, two, "too many cuts")
    assert {each.release_id: each.state for each in changed} == {one: "live", two: "retired"}
