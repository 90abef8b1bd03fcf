"""What a customer is told of his appeal: that it is here and until when it is answered, what is asked, the answer."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from limitkeeper.app.customer_preferences import customer_row, zone_of
from limitkeeper.app.decisions import shown_line
from limitkeeper.app.notice_policy import words_besides
from limitkeeper.app.notices import written
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.appeal.appeals import BY_CLOCK, BY_FACTS, GRANTED, PARTLY_GRANTED, UPHELD, Appeal
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.notice.notice import NoticeFacts, amount_text
from limitkeeper.store.work import Work

SUSPENDED = "suspended"
"""What the receipt says where something planned waits for the answer."""

OUTCOMES = (UPHELD, PARTLY_GRANTED, GRANTED, BY_FACTS, BY_CLOCK)
"""What an answer can say; the last two are grants that no person gave."""

outcome_wording = partial(words_besides, "appeals", (*OUTCOMES, SUSPENDED))
"""What the answer to an appeal says, by its outcome, in a language; and what a receipt says of what waits."""


def told(
    w: Work, seal: Seal, row: Mapping[str, Any], kind: str, sign: str, *, words: str = "",
    day_us: int | None = None, again_until_us: int | None = None, in_place_of: str | None = None,
) -> str:  # fmt: skip
    """Write a notice to whoever appeals; its id.

    Parameters
    ----------
    w, seal
        The work that it belongs to, and the seal of what is personal.
    row
        Of the appeal.
    kind
        Of :data:`limitkeeper.core.notice.notice.KINDS`.
    sign
        Before amounts.
    words
        What a person wrote, or what the outcome says.
    day_us, again_until_us
        The day that it names, and until when the answer can be appealed against.
    in_place_of
        The notice that this one stands for, where there is one.
    """
    customer = customer_row(w, row["customer_id"])
    day, again_until = (
        None if us is None else day_of(us, zone_of(customer)) for us in (day_us, again_until_us)
    )
    facts = NoticeFacts(
        kind, shown_line(row["account_id"]), sign, effective_day=day, appeal_until_day=again_until, words=words
    )  # fmt: skip
    return written(w, seal, row["customer_id"], row["account_id"], facts, customer["language"], in_place_of)


def receipt_told(
    w: Work, seal: Seal, row: Mapping[str, Any], appeal: Appeal, sign: str, *, is_suspended: bool
) -> str:
    """Write the receipt of an appeal; its id. It says so where something planned waits for the answer."""
    wording = outcome_wording(customer_row(w, row["customer_id"])["language"])
    words = wording[SUSPENDED] if is_suspended else ""
    return told(w, seal, row, "appeal_received", sign, words=words, day_us=appeal.answer_until_us)


def answer_words(
    w: Work, row: Mapping[str, Any], after: Appeal, sign: str, words: str, granted_limit_cents: int | None
) -> str:
    """What an answer says in the customer's language: the outcome, then the words of whoever gave it."""
    wording = outcome_wording(customer_row(w, row["customer_id"])["language"])
    outcome = after.outcome if after.outcome in (BY_FACTS, BY_CLOCK) else after.state
    limit = "" if granted_limit_cents is None else amount_text(granted_limit_cents, sign)
    # What a person wrote is added as it is: it is never a template.
    return "\n\n".join(part for part in (wording[str(outcome)].format(limit=limit), words.strip()) if part)
