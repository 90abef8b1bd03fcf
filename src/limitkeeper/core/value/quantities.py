"""What risk and value say of an account: the names that strategies and reports may use."""

from limitkeeper.core.kernel.quantity import Quantity

QUANTITIES = (
    Quantity("pd", "share", "Calibrated probability of default.", "校准后的违约概率。", "never", 0.0, 1.0),
    Quantity("points", "points", "Scorecard points; more is better.", "评分卡得分，越高越好。"),
    Quantity(
        "lgd", "share", "Loss given default, before the floor.", "违约损失率（下限之前）。", "never", 0.0, 1.0
    ),
    Quantity(
        "ccf",
        "share",
        "Credit conversion factor, before the floor.",
        "信用转换系数（下限之前）。",
        "never",
        0.0,
        1.0,
    ),
    Quantity(
        "undrawn_cents",
        "cents",
        "Limit that is not drawn, 0 or more.",
        "未使用额度。",
        "limit or balance unknown",
        0.0,
    ),
    Quantity("ead_cents", "cents", "Exposure at default.", "违约风险敞口。", "limit or balance unknown", 0.0),
    Quantity(
        "expected_loss_cents", "cents", "Expected loss of a year.", "年度预期损失。", "exposure unknown", 0.0
    ),
    Quantity(
        "economic_capital_cents",
        "cents",
        "Capital the exposure binds.",
        "占用的经济资本。",
        "exposure unknown",
        0.0,
    ),
    Quantity("revenue_cents", "cents", "Revenue of a year.", "年度收入。", "balance unknown"),
    Quantity(
        "raroc",
        "annual rate",
        "Risk-adjusted return on capital.",
        "风险调整后资本回报率。",
        "exposure unknown or no capital bound",
    ),
    Quantity(
        "economic_profit_cents",
        "cents",
        "Profit of a year after risk and capital cost.",
        "扣除风险与资本成本后的年度经济利润。",
        "exposure unknown",
    ),
)
