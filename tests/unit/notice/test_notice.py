"""What notices say, in both languages and every market; the golden ones are files that people can read."""

import datetime as dt
from pathlib import Path

import pytest

from limitkeeper.app.notice_policy import notice_markets, notice_policy, notice_wording
from limitkeeper.app.policy import LANGUAGES
from limitkeeper.core.kernel.errors import InputError, PolicyError
from limitkeeper.core.notice.notice import (
    ADVERSE_KINDS,
    DATA_ANSWER_KINDS,
    KINDS,
    NoticeFacts,
    notice_of,
    short_text,
)

GOLDEN = Path(__file__).parents[2] / "cases" / "notices"
NOW_US = 1_790_000_000_000_000
SIGNS = {"CN": "¥", "US": "$", "EU": "€"}


def facts(market: str, language: str, kind: str = "limit_decreased", **changed: object) -> NoticeFacts:
    from limitkeeper.app.policy import reason_wording

    wording = reason_wording(language)
    reasons = tuple({"code": code, "text": wording[code].text, "help": wording[code].help}
                    for code in ("late_recent", "utilisation_high"))  # fmt: skip
    given: dict[str, object] = {
        "kind": kind, "line": "**** 1234", "currency_sign": SIGNS[market], "limit_before_cents": 2_000_000,
        "limit_after_cents": 1_250_000, "effective_day": dt.date(2026, 9, 28),
        "appeal_until_day": dt.date(2026, 10, 21), "reasons": reasons,
        "duties": notice_policy(market).duties_on(NOW_US), "asked": "Erase line **** 1234.",
        "asked_day": dt.date(2026, 9, 6), "request_id": "4f2a",
    }  # fmt: skip
    return NoticeFacts(**(given | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("market", notice_markets())
def test_notice_of_a_decrease_reads_as_the_golden_one(market: str, language: str) -> None:
    found = notice_of(facts(market, language), notice_wording(language))
    text = f"{found.subject}\n\n{found.text}\n"
    path = GOLDEN / f"limit_decreased.{market}.{language}.txt"
    assert text == path.read_text(encoding="utf-8"), f"what was agreed stands in {path}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_words_and_leaves_no_gap(kind: str, language: str) -> None:
    found = notice_of(
        facts("CN", language, kind, steps=((dt.date(2026, 9, 28), 1_700_000),)), notice_wording(language)
    )
    for text in (found.subject, found.text):
        assert text.strip()
        assert "{" not in text
    assert "1234" in found.text
    assert (notice_wording(language).parts["object"] in found.text) == (kind in DATA_ANSWER_KINDS)


@pytest.mark.parametrize(("language", "how"), [("en", "how to appeal"), ("zh", "申诉方式")])
@pytest.mark.parametrize("kind", KINDS)
def test_short_message_tells_how_to_appeal_only_where_there_is_something_to_appeal_against(
    kind: str, language: str, how: str
) -> None:
    wording = notice_wording(language)
    found = notice_of(facts("CN", language, kind), wording)
    text = short_text(found, wording, kind)
    assert text.startswith(found.subject)
    assert (how in text) == (kind in ADVERSE_KINDS)


@pytest.mark.parametrize("kind", ADVERSE_KINDS)
def test_adverse_notice_without_a_reason_or_a_way_to_appeal_is_not_written(kind: str) -> None:
    for lacking in ({"reasons": ()}, {"appeal_until_day": None}):
        with pytest.raises(InputError):
            notice_of(facts("CN", "en", kind, **lacking), notice_wording("en"))


def test_more_than_four_reasons_are_refused() -> None:
    with pytest.raises(InputError, match="four"):
        notice_of(
            facts("CN", "en", reasons=({"code": "a", "text": "b", "help": "c"},) * 5), notice_wording("en")
        )


def test_words_that_people_wrote_are_no_template() -> None:
    found = notice_of(
        facts("CN", "en", "appeal_decided", words="{before.__class__} {0}"), notice_wording("en")
    )
    assert "{before.__class__} {0}" in found.text


def test_duty_without_words_is_told() -> None:
    with pytest.raises(PolicyError, match="duty"):
        notice_of(facts("CN", "en", duties=("nothing",)), notice_wording("en"))


def test_change_is_not_effective_before_its_days_of_notice() -> None:
    assert notice_policy("CN").effective_us("decrease", NOW_US) == NOW_US + 7 * 86_400_000_000
    assert notice_policy("CN").effective_us("freeze", NOW_US) == NOW_US
    assert notice_policy("US").effective_us("decrease", NOW_US) == NOW_US


def test_market_without_a_policy_is_told() -> None:
    with pytest.raises(PolicyError, match="CN"):
        notice_policy("XX")
