"""What keeps an action from taking its full effect."""

from enum import IntFlag


class Constraint(IntFlag):
    """What kept an action from taking its full effect; bits of a mask."""

    COOL_DOWN = 1
    STEP_WAIT = 2
    FLOOR_AT_BALANCE = 4
    FLOOR_AT_MINIMUM = 8
    LINE_CAP = 16
    CUSTOMER_TOTAL_CAP = 32
    RESTORE_CEILING = 64
    UNKNOWN_LIMIT = 128
    UNKNOWN_BALANCE = 256
    STEP_TOO_SMALL = 512
    FREEZE_STANDS = 1024
    ALREADY_CLOSED = 2048
    FREEZE_NOT_CONFIRMED = 4096
    HELD_OUT = 8192


CONSTRAINT_WORDING = {
    Constraint.COOL_DOWN: ("Held back: an action was taken lately.", "冷静期内，暂不调整。"),
    Constraint.STEP_WAIT: ("Held back: the next step is not due yet.", "未到下一步调整时间。"),
    Constraint.FLOOR_AT_BALANCE: ("Kept at the outstanding balance.", "不低于未还余额。"),
    Constraint.FLOOR_AT_MINIMUM: ("Kept at the least limit of the product.", "不低于产品最低额度。"),
    Constraint.LINE_CAP: ("Bound by the cap of one line.", "受单笔额度上限约束。"),
    Constraint.CUSTOMER_TOTAL_CAP: ("Bound by the customer's total cap.", "受客户总额度上限约束。"),
    Constraint.RESTORE_CEILING: ("At the limit before the first reduction.", "已达首次降额前的额度。"),
    Constraint.UNKNOWN_LIMIT: ("The limit is not known.", "额度未知。"),
    Constraint.UNKNOWN_BALANCE: (
        "The balance is not known: the limit is not lowered.",
        "余额未知，不予降额。",
    ),
    Constraint.STEP_TOO_SMALL: ("The step is too small to be worth a notice.", "调整幅度过小，不予调整。"),
    Constraint.FREEZE_STANDS: ("An earlier freeze stands.", "此前的冻结仍然有效。"),
    Constraint.ALREADY_CLOSED: ("The line is closed already.", "额度已关闭。"),
    Constraint.FREEZE_NOT_CONFIRMED: (
        "The same freeze was lifted because nobody confirmed it.",
        "同一冻结因无人确认已解除，不再自动冻结。",
    ),
    Constraint.HELD_OUT: (
        "Held out by chance, to learn what cuts do: the limit is not lowered.",
        "随机留出以了解降额的影响，不予降额。",
    ),
}
"""Each constraint in English and Chinese."""
