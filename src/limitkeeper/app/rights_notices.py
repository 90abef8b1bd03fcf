"""What a person is told of his request about personal data: that it is here, what came of it, why not, how to object.

An erasure that was done is not told: by then there is no key to seal a notice with, no address and no inbox. It is told
before, with what goes and what stays (``erasure_announced``), and :func:`limitkeeper.app.erasure.bars_to_erasure` lets
nobody be erased while that notice is on its way.
"""

from collections.abc import Sequence
from functools import partial
from zoneinfo import ZoneInfo

from limitkeeper.app.consents import consent_texts, consents_of
from limitkeeper.app.notice_policy import words_besides
from limitkeeper.app.notices import customer_row, written
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.compliance.requests import ERASE, KINDS, RECEIVED, REFUSED, RightsRequest
from limitkeeper.core.kernel.instants import instant
from limitkeeper.core.notice.notice import NoticeFacts
from limitkeeper.store.work import Work

ERASURE_ANNOUNCED = "erasure_announced"
"""The notice that a person must have been sent before he is erased."""

UNVERIFIED, CONSENTS, ANSWER = PARTS = ("unverified", "consents", "answer")

request_wording = partial(words_besides, "rights", PARTS)
"""What notices of requests say besides, in a language."""


def receipt_told(w: Work, seal: Seal, request: RightsRequest) -> str:
    """Write the receipt of a request; the notice's id. Of an erasure by one who is known it is its announcement."""
    if request.kind == ERASE and request.state != RECEIVED:
        return erasure_told(w, seal, request)
    wording = request_wording(customer_row(w, request.customer_id)["language"])
    words = wording[UNVERIFIED] if request.state == RECEIVED else ""
    return _told(w, seal, request, "data_request_received", request.answer_until_us, words)


def erasure_told(w: Work, seal: Seal, request: RightsRequest) -> str:
    """Write what an erasure will take away and what stays, before it is done; the notice's id."""
    return _told(w, seal, request, ERASURE_ANNOUNCED, request.answer_until_us)


def answer_told(
    w: Work, seal: Seal, request: RightsRequest, words: str, consents_withdrawn: Sequence[str] = ()
) -> str:
    """Write the answer to a request that is done or refused, with the words of whoever gave it; the notice's id.

    Parameters
    ----------
    w, seal
        The work that it belongs to, and the seal of what is personal.
    request
        As it was answered.
    words
        What was done, or the reason of a refusal.
    consents_withdrawn
        The scopes of the consents that it withdrew, of which the customer reads the words that he agreed to.
    """
    if request.state == REFUSED:
        return _told(w, seal, request, "data_request_refused", w.now_us, words.strip())
    language = customer_row(w, request.customer_id)["language"]
    wording = request_wording(language)
    said = [f"{wording[ANSWER]}\n{words.strip()}"] if words.strip() else []
    if consents_withdrawn:
        texts = consent_texts()
        agreed = [each for each in consents_of(w, request.customer_id) if each.scope in consents_withdrawn]
        shown = [f"- {texts[each.scope][each.text_version][language]}" for each in agreed]
        said.append("\n".join([wording[CONSENTS], *shown]))
    return _told(w, seal, request, "data_request_answered", w.now_us, "\n\n".join(said))


def copy_told(w: Work, seal: Seal, request: RightsRequest, until_us: int) -> str:
    """Write that a copy can be taken, where, and until when; the notice's id."""
    return _told(w, seal, request, "data_copy_ready", until_us)


def taken_back_told(w: Work, seal: Seal, request: RightsRequest) -> str:
    """Write that a person took his request back; the notice's id."""
    return _told(w, seal, request, "data_request_taken_back", w.now_us)


def _told(w: Work, seal: Seal, request: RightsRequest, kind: str, day_us: int, words: str = "") -> str:
    customer = customer_row(w, request.customer_id)
    language, zone = customer["language"], ZoneInfo(customer["time_zone"])
    day, asked_day = (instant(us).astimezone(zone).date() for us in (day_us, request.received_us))
    asked = dict(zip(("en", "zh"), KINDS[request.kind], strict=True))[language].rstrip(".。")
    facts = NoticeFacts(
        kind, effective_day=day, words=words, asked=asked, asked_day=asked_day,
        request_id=request.request_id,
    )  # fmt: skip
    return written(w, seal, request.customer_id, None, facts, language)
