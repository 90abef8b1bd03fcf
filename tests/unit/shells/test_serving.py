"""What a server is told on its command line, and what only in its environment."""

import pytest

from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.serving import stated_mail_server

OPEN_URL = "smtp://kim:s3cret@mail.lender.test?from=credit@lender.test"
URL = "smtp://kim@mail.lender.test?from=credit@lender.test"


def test_password_of_the_mail_server_on_the_command_line_is_refused_and_not_told() -> None:
    with pytest.raises(InputError, match="LIMITKEEPER_MAIL_PASSWORD") as error:
        stated_mail_server(OPEN_URL, {})
    assert "s3cret" not in str(error.value)
    assert "mail.lender.test" in str(error.value)


def test_password_of_the_mail_server_comes_from_the_environment() -> None:
    server = stated_mail_server(URL, {"LIMITKEEPER_MAIL_PASSWORD": "s3cret"})
    assert (server.user, server.password) == ("kim", "s3cret")
    assert stated_mail_server(URL, {}).password == ""
    assert stated_mail_server(OPEN_URL, {"LIMITKEEPER_MAIL": OPEN_URL}).password == "s3cret"  # noqa: S105
