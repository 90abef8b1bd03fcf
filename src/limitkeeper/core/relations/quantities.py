"""What relations say of an account: the names that strategies may use."""

from limitkeeper.core.kernel.quantity import Quantity

NOT_LOOKED_AT = "relations are not allowed in the market, or not computed"

RELATION_QUANTITIES = (
    Quantity("linked_accounts", "count", "Accounts linked by a shared device or counterparty, or declared.",
             "通过共用设备、共同交易对手或申报关系关联的账户数。", NOT_LOOKED_AT, 0.0),
    Quantity("linked_bad_share", "share", "Share of the linked accounts in default or closed for violation.",
             "关联账户中违约或因违规关闭的占比。", f"no linked account; {NOT_LOOKED_AT}", 0.0, 1.0),
    Quantity("contagion", "share", "Chance that a walk along links from the account stops at such an account.",
             "从该账户沿关联随机游走并停在此类账户的概率。", NOT_LOOKED_AT, 0.0, 1.0),
)  # fmt: skip
"""In the order of the rows of :meth:`Relations.columns`."""
