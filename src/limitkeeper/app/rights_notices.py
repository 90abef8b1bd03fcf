"""What a person is told of his request about personal data: that it is here, what came of it, why not, how to object.

An erasure that was done is not told: by then there is no key to seal a notice with, no address and no inbox. It is told
before, with what goes and what stays (``erasure_announced``), and :func:`limitkeeper.app.erasure.bars_to_erasure` lets
nobody be erased while that notice is on its way.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from limitkeeper.app.consents import consent_texts, consents_of
from limitkeeper.app.customer_preferences import customer_row, zone_of
from limitkeeper.app.notice_policy import words_besides
from limitkeeper.app.notices import written
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.compliance.requests import ERASE, KINDS, PARTLY, RECEIVED, REFUSED, RightsRequest
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.notice.notice import NoticeFacts
from limitkeeper.store.work import Work

ERASURE_ANNOUNCED = "erasure_announced"
"""The notice that a person must have been sent before he is erased."""

UNVERIFIED, CONSENTS, ANSWER, REST = PARTS = ("unverified", "consents", "answer", "rest")

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


def extension_told(w: Work, seal: Seal, request: RightsRequest, words: str) -> str:
    """Write by when a request is answered now that its clock is longer, and why it is; the notice's id."""
    return _told(w, seal, request, "data_request_extended", request.answer_until_us, words.strip())


def answer_words(w: Work, request: RightsRequest, words: str, rest: str) -> str:
    """What is kept as said of an answer: its words; of one in part both of its parts, each under its heading."""
    if request.state != PARTLY:
        return words
    wording = request_wording(customer_row(w, request.customer_id)["language"])
    return _headed(wording, {ANSWER: words, REST: rest})


def answer_told(
    w: Work, seal: Seal, request: RightsRequest, words: str, rest: str = "", consents_withdrawn: Sequence[str] = ()
) -> str:  # fmt: skip
    """Write the answer to a request: done, in part or not, with the words of whoever gave it; the notice's id.

    Parameters
    ----------
    w, seal
        The work that it belongs to, and the seal of what is personal.
    request
        As it was answered.
    words
        What was done, or the reason of a refusal.
    rest
        Of an answer in part: what was not done, and why.
    consents_withdrawn
        The scopes of the consents that it withdrew, of which the customer reads the words that he agreed to.
    """
    if request.state == REFUSED:
        return _told(w, seal, request, "data_request_refused", w.now_us, words.strip())
    language = customer_row(w, request.customer_id)["language"]
    wording = request_wording(language)
    texts = consent_texts()
    agreed = [each for each in consents_of(w, request.customer_id) if each.scope in consents_withdrawn]
    shown = "\n".join(f"- {texts[each.scope][each.text_version][language]}" for each in agreed)
    kind = "data_request_partly_answered" if request.state == PARTLY else "data_request_answered"
    said = _headed(wording, {ANSWER: words, CONSENTS: shown, REST: rest})
    return _told(w, seal, request, kind, w.now_us, said)


def copy_told(w: Work, seal: Seal, request: RightsRequest, until_us: int) -> str:
    """Write that a copy can be taken, where, and until when; the notice's id."""
    return _told(w, seal, request, "data_copy_ready", until_us)


def taken_back_told(w: Work, seal: Seal, request: RightsRequest) -> str:
    """Write that a person took his request back; the notice's id."""
    return _told(w, seal, request, "data_request_taken_back", w.now_us)


def _headed(wording: Mapping[str, str], said: Mapping[str, str]) -> str:
    """What is said, each part that says something under its heading."""
    return "\n\n".join(f"{wording[part]}\n{text.strip()}" for part, text in said.items() if text.strip())


def _told(w: Work, seal: Seal, request: RightsRequest, kind: str, day_us: int, words: str = "") -> str:
    customer = customer_row(w, request.customer_id)
    language, zone = customer["language"], zone_of(customer)
    day, asked_day = (day_of(us, zone) for us in (day_us, request.received_us))
    asked = dict(zip(("en", "zh"), KINDS[request.kind], strict=True))[language].rstrip(".。")
    facts = NoticeFacts(
        kind, effective_day=day, words=words, asked=asked, asked_day=asked_day,
        request_id=request.request_id,
    )  # fmt: skip
    return written(w, seal, request.customer_id, None, facts, language)
