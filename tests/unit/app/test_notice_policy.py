"""What notices say besides: complete in both languages, or refused."""

import pytest

from limitkeeper.app.appeal_notices import OUTCOMES, SUSPENDED, outcome_wording
from limitkeeper.app.notice_policy import notice_wording, words_besides
from limitkeeper.app.policy import LANGUAGES
from limitkeeper.app.rights_notices import PARTS, request_wording
from limitkeeper.core.kernel.errors import PolicyError


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_outcome_of_appeals_and_part_of_requests_has_words(language: str) -> None:
    assert outcome_wording(language).keys() == {*OUTCOMES, SUSPENDED}
    assert request_wording(language).keys() == set(PARTS)


def test_part_without_words_and_language_without_wording_are_refused() -> None:
    with pytest.raises(PolicyError, match=r"no words\. Given: unheard of\. Allowed: en"):
        words_besides("rights", ("answer", "unheard of"), "en")
    for wording in (outcome_wording, request_wording, notice_wording):
        with pytest.raises(PolicyError, match="no wording in that language"):
            wording("fr")
