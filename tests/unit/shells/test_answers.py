"""Answers on their way from the engine's threads to a web loop."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.api.answers import Mailbox, Reply, problem_document


def problem(error: InputError | RefusedError) -> dict[str, Any]:
    return problem_document(error, 422, "input", "Not as it should be")


def test_problem_is_told_in_both_languages_with_what_is_allowed_and_what_to_do() -> None:
    found = problem(InputError("An hour is none.", value=25, allowed="0 to 23", advice="Read it again."))
    assert (found["detail"], found["detail_zh"]) == ("An hour is none.", "小时无效。")
    assert (found["allowed"], found["allowed_zh"]) == ("0 to 23", "0 至 23")
    assert (found["advice"], found["advice_zh"]) == ("Read it again.", "请重新读取。")


def test_rule_that_refuses_brings_its_own_chinese_and_its_advice_is_told_besides() -> None:
    found = problem(RefusedError("version", advice="Read it again."))
    assert (found["rule"], found["detail_zh"]) == ("version", RefusedError.RULES["version"][1])
    assert found["advice_zh"] == "请重新读取。"


def test_part_of_a_problem_without_chinese_is_told_in_english_alone() -> None:
    found = problem(InputError("Nobody ever said this.", allowed="pd, lgd", advice="Read it again."))
    assert sorted(name for name in found if name.endswith("_zh")) == ["advice_zh"]


def told_together(tell: Callable[[list[Reply]], None], count: int) -> tuple[list[Any], int]:
    """What each of some waiting futures got, told by another thread, and how often the loop was woken."""

    async def waited() -> tuple[list[Any], int]:
        loop = asyncio.get_running_loop()
        wakings, wake = [], loop.call_soon_threadsafe
        loop.call_soon_threadsafe = lambda *given: (wakings.append(given), wake(*given))[1]  # type: ignore[assignment]
        mailbox = Mailbox(loop)
        futures = [loop.create_future() for _ in range(count)]
        futures[-1].cancel()
        replies = [Reply(mailbox, future) for future in futures]
        thread = threading.Thread(target=tell, args=(replies,))
        thread.start()
        thread.join()  # the loop stands still meanwhile, as while it works on another request
        assert all(reply.done() for reply in replies)
        return await asyncio.gather(*futures, return_exceptions=True), len(wakings)

    return asyncio.run(waited())


def test_answers_told_together_wake_the_loop_once_and_reach_whoever_waits() -> None:
    def tell(replies: list[Reply]) -> None:
        for number, reply in enumerate(replies):
            reply.set_result(number)

    found, wakings = told_together(tell, 5)
    assert found[:4] == [0, 1, 2, 3]
    assert isinstance(found[4], asyncio.CancelledError)  # one that nobody waits for any more is passed over
    assert wakings == 1


def test_an_error_reaches_its_own_request_alone() -> None:
    def tell(replies: list[Reply]) -> None:
        replies[0].set_exception(ValueError("no"))
        for reply in replies[1:]:
            reply.set_result("yes")

    found, _ = told_together(tell, 3)
    assert isinstance(found[0], ValueError)
    assert found[1] == "yes"


def test_a_closed_loop_is_told_nothing_and_nobody_fails() -> None:
    loop = asyncio.new_event_loop()
    waiting = loop.create_future()
    loop.close()
    Reply(Mailbox(loop), waiting).set_result(1)
    assert not waiting.done()
    with pytest.raises(asyncio.InvalidStateError):
        waiting.result()
