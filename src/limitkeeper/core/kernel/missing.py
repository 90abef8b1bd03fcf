"""Why a figure is missing, in English and Chinese."""

MISSING = {
    "no_model": (
        "The server runs without a model, so no probability of default is known.",
        "服务器未加载模型，违约概率未知。",
    ),
    "no_limit": ("No limit of the account is known.", "账户额度未知。"),
    "not_opened": ("Nothing is known of the account from then.", "当时尚无该账户的记录。"),
    "too_long_ago": (
        "Too long ago: the events of its windows are not kept any more.",
        "时间过早，其统计窗口内的事件已不再保留。",
    ),
    "too_many_events": (
        "The account had more events than are kept: the windows of then lack the oldest.",
        "账户事件数超过保留上限，当时的统计窗口缺少最早的事件。",
    ),
    "not_allowed": (
        "The market does not allow relations between accounts to be used.",
        "所在市场不允许使用账户关联关系。",
    ),
    "not_computed": (
        "Relations have not been computed since the account came.",
        "该账户加入后尚未计算关联关系。",
    ),
}
"""What each code says."""


def missing_document(code: str) -> dict[str, str]:
    """Why something is missing, as JSON.

    Examples
    --------
    >>> missing_document("no_limit")
    {'code': 'no_limit', 'text': 'No limit of the account is known.', 'text_zh': '账户额度未知。'}
    """
    text, chinese = MISSING[code]
    return {"code": code, "text": text, "text_zh": chinese}
