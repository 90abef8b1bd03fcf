"""What a lender's own records say of a line: the names that strategies may use beside behaviour and value."""

import math

from limitkeeper.core.kernel.quantity import Quantity

PRODUCT_CODES = {"purchase": 0.0, "cash": 1.0}
"""The product of a line as a number."""


def _flag(name: str, description: str, description_zh: str) -> Quantity:
    return Quantity(name, "flag", description, description_zh, "not recorded", 0.0, 1.0)


def _days(name: str, description: str, description_zh: str, missing: str) -> Quantity:
    return Quantity(name, "days", description, description_zh, missing, 0.0, math.inf)


ACCOUNT_QUANTITIES = (
    Quantity("product_code", "code", "Product of the line: 0 purchase, 1 cash.", "产品：0 消费，1 现金。",
             "never", 0.0, 1.0),
    Quantity("customer_limit_total_cents", "cents", "Limits of all lines of the customer.", "客户全部额度之和。",
             "not recorded: the line counts as the only one", 0.0),
    Quantity("limit_before_reduction_cents", "cents", "Limit before the lender's first reduction since the last full restoration.",
             "首次降额之前的额度。", "never reduced", 0.0),
    _days("days_since_last_decrease", "Days since the lender last lowered the limit.", "距上次降额的天数。",
          "never lowered"),
    _days("days_since_last_increase", "Days since the limit was last raised.", "距上次提额的天数。", "never raised"),
    _days("days_since_last_action", "Days since the lender last changed, froze or restored the line.",
          "距上次额度处置的天数。", "never acted on"),
    _days("days_since_last_use", "Days since the line was last drawn on, without bound.", "距上次用款的天数。",
          "never used, or not recorded"),
    _days("days_frozen", "Days since the line was frozen.", "已冻结的天数。", "not frozen, or not recorded"),
    _flag("is_frozen", "Drawing is stopped now.", "当前已冻结用款。"),
    _flag("is_frozen_for_violation", "Drawing is stopped because of a violation; only a person lifts this.",
          "因违规被冻结，只能人工解除。"),
    _flag("is_closed", "The line is closed.", "额度已关闭。"),
    _flag("campaign_decrease", "A campaign of the lender lowers this line.", "业务活动要求降额。"),
    _flag("campaign_close", "A campaign of the lender ends this line.", "业务活动要求关闭额度。"),
    _flag("has_open_appeal", "An appeal of the customer is open.", "客户申诉处理中。"),
    _flag("has_hardship_plan", "A repayment plan for hardship is kept.", "客户正在履行困难还款方案。"),
    _flag("declined_automation", "The customer refused decisions by machine alone.", "客户拒绝仅由自动化作出的决定。"),
)  # fmt: skip
