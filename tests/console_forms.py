"""The console without scripts: its pages as they come, and its forms as people send them."""

import re
from html import unescape
from typing import Any

import httpx

from limitkeeper.shells.console.session import form_mark
from tests.workflow_server import PASSWORD, TRUST, WorkflowServer


class Browser:
    """Somebody at the console: pages by their path, forms as the pages have them.

    Parameters
    ----------
    server
        Which shows the pages.
    name
        Who logs in.
    language
        Of the pages.
    """

    def __init__(self, server: WorkflowServer, name: str, language: str = "en") -> None:
        self.server, self.name = server, name
        self.client = httpx.Client(
            base_url=server.address, timeout=60, cookies={"limitkeeper_language": language}, verify=TRUST
        )
        server.clients.append(self.client)
        given = {"_mark": form_mark(""), "person_id": name, "password": PASSWORD}
        found = self.client.post("/console/login", data=given)
        assert found.status_code == 303, found.text

    def page(self, path: str, status: int = 200) -> str:
        """What a page shows."""
        found = self.client.get(path)
        assert found.status_code == status, found.text
        assert "<script>alert" not in found.text
        assert "style=" not in found.text
        return found.text

    def sent(
        self,
        page: str,
        path: str,
        status: int = 303,
        files: Any = None,
        formaction: str | None = None,
        **fields: Any,
    ) -> httpx.Response:
        """What the form of a page that has a path is answered, with some fields filled in.

        ``formaction`` is where the button that is pressed sends it, if it says so.
        """
        forms = re.findall(r"<form[^>]*>.*?</form>", page, re.DOTALL)
        form = next(
            each for each in forms if f'name="_path" value="{path}"' in each or f'action="{path}"' in each
        )
        hidden = {
            name: unescape(value)
            for tag in re.findall(r'<input type="hidden"[^>]*>', form)
            for name, value in [(re.search(r'name="([^"]*)"', tag)[1], re.search(r"value=([\"'])(.*?)\1", tag)[2])]
        }  # fmt: skip
        action = formaction or re.search(r'action="([^"]*)"', form)[1]
        found = self.client.post(action, data=hidden | fields, files=files)
        assert found.status_code == status, found.text
        return found
