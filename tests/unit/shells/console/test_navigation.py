"""Where one may go, and by which key."""

from collections import Counter
from pathlib import Path

import pytest

from limitkeeper.core.access.actors import CUSTOMER, STAFF_ROLES
from limitkeeper.core.access.rights import RIGHTS, clash
from limitkeeper.shells.console.look import environment
from limitkeeper.shells.console.navigation import PLACES, navigation


@pytest.mark.parametrize("roles", [STAFF_ROLES, (CUSTOMER,)])
def test_each_place_that_somebody_sees_has_a_key_of_its_own(roles: tuple[str, ...]) -> None:
    acts = {act for act, allowed in RIGHTS.items() if set(roles) & set(allowed)}
    keys = Counter(place["key"] for place in navigation(acts, "/console"))
    assert keys
    assert set(keys.values()) == {1}
    assert all(len(key) == 1 and key.islower() for key in keys)


def test_customer_is_nobody_of_the_staff_so_that_his_keys_may_be_theirs() -> None:
    assert all(clash((CUSTOMER, role)) for role in STAFF_ROLES)


def test_every_filter_has_a_button_because_none_is_sent_by_a_choice() -> None:
    templates = environment()
    assert templates.loader is not None
    forms = []
    for name in templates.list_templates():
        text = templates.loader.get_source(templates, name)[0]
        forms += [(name, part.split("</form>")[0]) for part in text.split('<form class="filters"')[1:]]
    assert len(forms) > len(PLACES) // 2
    assert [name for name, form in forms if "<button" not in form] == []


def test_page_of_the_console_tells_the_key_of_each_place() -> None:
    text = (Path(__file__).parents[4] / "docs" / "console.md").read_text(encoding="utf-8").replace("\n", " ")
    assert [name for _, key, _, _, name, _ in PLACES if f"`{key}` {name}" not in text] == []
