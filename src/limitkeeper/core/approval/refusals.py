"""Why an act is refused: always by a rule that has a name."""

from limitkeeper.core.kernel.errors import RuleError

RULES = {
    "state": (
        "This cannot be done with a case in its state.",
        "案件当前状态不允许此操作。",
    ),
    "four_eyes": (
        "Who proposed a case, or argued for it on a lower tier, does not decide on it.",
        "提出案件或在下级审批中支持案件的人员不得对其作出决定。",
    ),
    "mandate": (
        "A person decides only within a mandate of his own or of somebody absent whose deputy he is.",
        "人员只能在本人或其代理的缺席人员的授权范围内作出决定。",
    ),
    "claim": (
        "A case is decided by the one who has claimed it.",
        "案件由认领人作出决定。",
    ),
    "committee": (
        "On the third tier the committee votes; nobody decides alone.",
        "第三级由委员会投票决定，任何人不得单独决定。",
    ),
    "seated_since": (
        "Who got his seat, or became a member's deputy, only after a case was opened does not vote on it.",
        "案件提出后才取得委员会席位或成为委员代理人的人员，不得对该案件投票。",
    ),
    "second_member": (
        "A change to the committee is settled by a member who neither asked for it nor is concerned by it.",
        "委员会的变更须由既非提出人也与变更无涉的另一名委员确认或拒绝。",
    ),
    "recused": (
        "Who has recused himself takes no further part.",
        "已回避的人员不得继续参与。",
    ),
    "vote_once": (
        "Each member votes once.",
        "每位成员只能投票一次。",
    ),
    "votes_cast": (
        "What somebody has voted on is neither sent back nor split.",
        "已有委员投票的事项不得退回，也不得拆分。",
    ),
    "sent_back": (
        "A case is not sent back again and again.",
        "案件不得反复退回。",
    ),
    "reason": (
        "A decision, a question and an answer state their words.",
        "决定、询问和答复均须说明内容。",
    ),
    "highest_tier": (
        "There is no tier above the third.",
        "第三级之上没有更高审批级别。",
    ),
    "lowest_tier": (
        "A case is not sent below the tier that the policy asks for.",
        "案件不得退回到低于政策要求的审批级别。",
    ),
    "version": (
        "A case is decided on as it is now.",
        "必须基于案件的最新状态作出决定。",
    ),
    "freeze_case": (
        "A freeze whose case waits is confirmed or lifted by deciding on that case.",
        "冻结案件尚待决定的，须通过对该案件作出决定来确认或解除冻结。",
    ),
    "appeal_state": (
        "This cannot be done with an appeal in its state.",
        "申诉当前状态不允许此操作。",
    ),
    "appeal_party": (
        "Who had a part in a decision, or in an earlier answer, answers no appeal against it.",
        "参与原决定或此前答复的人员不得处理针对该决定的申诉。",
    ),
    "appeal_claim": (
        "An appeal is answered by the one who has claimed it.",
        "申诉由认领人答复。",
    ),
    "appeal_asks": (
        "A customer is not asked for more again and again.",
        "不得反复要求客户补充材料。",
    ),
    "appeal_window": (
        "The time to appeal is over.",
        "申诉期限已过。",
    ),
    "appeal_final": (
        "This answer is final: there is no further instance.",
        "该答复为最终答复，不能再次申诉。",
    ),
    "appeal_subject": (
        "Only a decision that lowered, froze or closed a line of one's own is appealed against, one appeal at a time.",
        "只能对降低、冻结或关闭本人额度的决定提出申诉，且同一决定同时只能有一份申诉。",
    ),
    "appeal_part": (
        "What is granted in part lies above what was decided and below what was there before.",
        "部分支持的额度须高于原决定并低于调整前的额度。",
    ),
}
"""Each rule, in English and Chinese."""


class RefusedError(RuleError):
    """An act that a rule of approval does not allow."""

    RULES = RULES
