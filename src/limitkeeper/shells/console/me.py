"""Oneself: who I am, what I may do, and my password."""

import itertools

from starlette.responses import Response

from limitkeeper.app.people import PASSWORD_LETTERS
from limitkeeper.shells.console.asking import ProblemError
from limitkeeper.shells.console.labels import label
from limitkeeper.shells.console.look import Look, PageRoute
from limitkeeper.shells.console.session import ROOT, end_session, quoted


def _page(look: Look, status: int = 200, problem: dict[str, object] | None = None) -> Response:
    things = itertools.groupby(sorted(look.me["acts"]), key=lambda act: act.partition(".")[0])
    acts = [
        (label(look.language, "act_thing", thing),
         [label(look.language, "right", act.partition(".")[2]) for act in group])
        for thing, group in things
    ]  # fmt: skip
    return look.page("me", status, acts=acts, problem=problem, password_letters=PASSWORD_LETTERS)


async def me(look: Look) -> Response:
    """Who looks, and what he may do."""
    return _page(look)


async def change_password(look: Look) -> Response:
    """Set one's own password, said twice; every session of his ends, this one too."""
    form = await look.request.form()
    password, again = str(form.get("password", "")), str(form.get("again", ""))
    if password != again:
        differ = look.t("The two passwords are not the same.", "两次输入的密码不一致。")
        return _page(look, 422, {"detail": differ})
    try:
        await look.ask.answer("POST", f"/v1/people/{quoted(look.me['person_id'])}/password",
                              json={"password": password})  # fmt: skip
    except ProblemError as error:
        if error.status == 401:  # noqa: PLR2004 - of HTTP
            return look.refused(error.document)
        return _page(look, error.status, error.document)
    response = look.forth(f"{ROOT}/login", look.t("Your password is changed. Log in with it.",
                                                  "密码已更改，请用新密码登录。"))  # fmt: skip
    end_session(look.request, response)
    return response


PAGES = (PageRoute("/me", me), PageRoute("/me", change_password, method="POST"))
