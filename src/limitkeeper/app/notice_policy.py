"""The policy of notices as its files hold it: clocks and duties of a market, wording of a language."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import yaml

from limitkeeper.app.policy import POLICY, checked_language
from limitkeeper.core.appeal.appeals import AppealClock
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import PolicyError, did_you_mean
from limitkeeper.core.kernel.instants import day_end_us, day_of
from limitkeeper.core.kernel.parameters import Parameter, parameters_from_document, parameters_in_force
from limitkeeper.core.limits.ledger import CLOSE, LOWERING
from limitkeeper.core.notice.notice import NoticeWording, notice_wording_from_document

FIRST_MARKET = "CN"
"""Whose zone and language count where no market is known: of a store that no server has made its own."""


@dataclass(frozen=True)
class NoticePolicy:
    """A market's clocks and duties.

    Parameters
    ----------
    market
        Such as ``CN``.
    parameters
        Dated: days of notice, days to appeal, days of an appeal.
    duties
        Codes of what an adverse notice says besides, and from when.
    language, time_zone
        Of a customer who has said nothing.
    currency_sign
        Before amounts.
    """

    market: str
    parameters: dict[str, Parameter]
    duties: tuple[str, ...]
    duties_from: dt.date
    language: str
    time_zone: str
    currency_sign: str

    def effective_us(self, action: str, now_us: int) -> int:
        """From when a change may take effect at the earliest, where its notice goes out now."""
        if action not in LOWERING:
            return now_us
        days = self._at(now_us, "notice_days_close" if action == CLOSE else "notice_days_decrease")
        return now_us + int(days * DAY_US)

    def appeal_until_us(self, now_us: int, zone: dt.tzinfo) -> int:
        """Until when a customer may appeal against what he is told now: to the end of a day where he is."""
        return day_end_us(now_us + int(self._at(now_us, "appeal_days") * DAY_US), zone)

    def appeal_clock(self, now_us: int) -> AppealClock:
        """How long each part of an appeal may take that comes in now."""
        names = (
            "appeal_remind_days",
            "appeal_escalate_days",
            "appeal_answer_days",
            "appeal_reply_days",
            "appeal_days",
        )
        remind, escalate, answer, reply, again = (int(self._at(now_us, name) * DAY_US) for name in names)
        if not 0 < remind < escalate < answer:
            raise PolicyError(
                "The clock of appeals does not hold.",
                value=f"{self.market}: remind {remind}, escalate {escalate}, answer {answer}",
                allowed="0 < remind < escalate < answer",
            )
        return AppealClock(remind, escalate, answer, reply, again)

    def appeal_suspends(self, now_us: int) -> bool:
        """Whether what is planned waits while its decision is appealed against."""
        return self._at(now_us, "appeal_suspends") > 0

    def grants_hold_since_us(self, now_us: int) -> int:
        """Since when appeals were granted that still hold their cause now."""
        return now_us - int(self._at(now_us, "grant_holds_days") * DAY_US)

    def duties_on(self, now_us: int) -> tuple[str, ...]:
        """What an adverse notice says besides."""
        return self.duties if day_of(now_us) >= self.duties_from else ()

    def _at(self, now_us: int, name: str) -> float:
        return parameters_in_force(self.parameters, day_of(now_us))[name]


def notice_markets() -> tuple[str, ...]:
    """The markets that have a policy of notices."""
    return tuple(sorted(path.stem for path in (POLICY / "notices").glob("*.yaml")))


def market_zone(market: str) -> str:
    """The time zone of a market; the first market's, where there is no policy of notices for it."""
    return notice_policy(market if market in notice_markets() else FIRST_MARKET).time_zone


@cache
def notice_policy(market: str) -> NoticePolicy:
    """A market's policy.

    Raises
    ------
    PolicyError
        When there is none, or it does not hold.
    """
    if market not in notice_markets():
        raise PolicyError(
            "There is no policy of notices for that market.",
            value=market,
            allowed=", ".join(notice_markets()),
            advice=did_you_mean(market, notice_markets()),
        )
    document = yaml.safe_load((POLICY / "notices" / f"{market}.yaml").read_text(encoding="utf-8"))
    duties, customer = document.pop("duties"), document.pop("customer")
    return NoticePolicy(
        market, parameters_from_document(document), tuple(duties["codes"]), duties["from"],
        checked_language(customer["language"]), customer["time_zone"], customer["currency_sign"],
    )  # fmt: skip


@cache
def notice_wording(language: str) -> NoticeWording:
    """The words of notices in a language.

    Raises
    ------
    PolicyError
        When there are none.
    """
    path = POLICY / "wording" / checked_language(language) / "notices.yaml"
    return notice_wording_from_document(yaml.safe_load(path.read_text(encoding="utf-8")))


@cache
def words_besides(about: str, parts: tuple[str, ...], language: str) -> Mapping[str, str]:
    """What notices about something say besides, by its parts: about ``appeals`` or ``rights``.

    Raises
    ------
    PolicyError
        When there are none in that language, or a part has none.
    """
    path = POLICY / "wording" / checked_language(language) / f"{about}.yaml"
    found: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    if missing := [part for part in parts if not found.get(part)]:
        raise PolicyError("A part of notices has no words.", value=", ".join(missing), allowed=language)
    return found
