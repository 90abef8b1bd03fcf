"""The policy of approval as its files hold it: tiers, clocks, quorum, parts of campaigns."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from limitkeeper.app.policy import POLICY, parameters_from_files
from limitkeeper.core.approval.clocks import Clocks, TierClock
from limitkeeper.core.approval.tiers import (
    COMMITTEE_TIER,
    TEAM_TIER,
    Fact,
    RequiredTier,
    TierRule,
    required_tier,
    tier_rules_from_document,
)
from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.core.kernel.hashing import content_hash
from limitkeeper.core.kernel.parameters import Parameter, parameters_in_force


@dataclass(frozen=True)
class ApprovalPolicy:
    """Which tier decides, how long it may take, and how many votes a committee needs.

    Parameters
    ----------
    rules
        Of tiers.
    parameters
        Dated: clocks, quorum, how often a case is sent back, and what is counted together with a campaign.
    hash
        Of all of it, to be kept with each case.
    """

    rules: tuple[TierRule, ...]
    parameters: dict[str, Parameter]
    hash: str

    def tier(self, facts: dict[str, Fact], day: dt.date) -> RequiredTier:
        """The tier that must decide on a case of a day."""
        return required_tier(facts, self.rules, day)

    def tier_of_all(self, facts: Sequence[dict[str, Fact]], day: dt.date) -> RequiredTier:
        """The tier that must decide on a case of several actions: the highest that one of them asks for."""
        asked = [self.tier(each, day) for each in facts]
        tier = max(each.tier for each in asked)
        return RequiredTier(
            tier, tuple(dict.fromkeys(rule for each in asked if each.tier == tier for rule in each.rules))
        )

    def clocks(self, day: dt.date) -> Clocks:
        """The clocks in force on a day."""
        at = parameters_in_force(self.parameters, day)
        second = TierClock(at["tier_2_remind_hours"], at["tier_2_escalate_hours"], at["tier_2_end_hours"])
        return {
            TEAM_TIER: second,
            COMMITTEE_TIER: TierClock(at["tier_3_remind_hours"], None, at["tier_3_end_hours"]),
        }

    def campaign_parts(self, day: dt.date) -> tuple[float, float]:
        """For how many days a campaign that led to nothing is counted with later ones, and from which share shared."""
        at = parameters_in_force(self.parameters, day)
        return at["campaign_parts_days"], at["campaign_parts_share"]

    def campaign_window_days(self, day: dt.date) -> float:
        """For how many days the campaigns that one person puts forward side by side are counted together."""
        return parameters_in_force(self.parameters, day)["campaign_window_days"]

    def send_backs_max(self, day: dt.date) -> int:
        """How often a case may be sent back, on a day."""
        return int(parameters_in_force(self.parameters, day)["send_backs_max"])

    def quorum(self, day: dt.date) -> int:
        """The votes that a committee needs on a day."""
        return int(parameters_in_force(self.parameters, day)["committee_quorum"])


def approval_policy(folder: Path = POLICY / "approval") -> ApprovalPolicy:
    """The policy that a folder holds: ``tiers.yaml`` and ``clocks.yaml``.

    Raises
    ------
    PolicyError
        When a file cannot be read or something in it does not hold.
    """
    try:
        text = (folder / "tiers.yaml").read_text(encoding="utf-8")
        tiers = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PolicyError(f"The policy of tiers cannot be read: {error}.", value=folder) from error
    if not isinstance(tiers, dict):
        raise PolicyError("The policy of tiers holds no rules.", value=folder / "tiers.yaml")
    clocks = folder / "clocks.yaml"
    rules = tier_rules_from_document(tiers)
    parameters = parameters_from_files([clocks])
    _check_bounds(parameters)
    return ApprovalPolicy(rules, parameters, content_hash([text, clocks.read_text(encoding="utf-8")]))


BOUNDS = {"campaign_parts_days": 366, "campaign_window_days": 366, "campaign_parts_share": 1}
"""The most that a value may be of what is counted together with a campaign; 0 is the least."""


def _check_bounds(parameters: dict[str, Parameter]) -> None:
    for name, most in BOUNDS.items():
        for day, value in parameters[name].values if name in parameters else ():
            if not 0 <= value <= most:
                raise PolicyError(
                    f"Parameter '{name}' is out of bounds.",
                    value=f"{value:g} from {day}",
                    allowed=f"0 to {most}",
                )
