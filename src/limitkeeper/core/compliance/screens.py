"""The screens of fairness: a report against the bounds of policy, as findings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from limitkeeper.core.kernel.parameters import Parameters

PASSED, UNCERTAIN, FAILED, SMALL, TOLD = "passed", "uncertain", "failed", "small", "told"
"""Within the bound with all of the interval; within it, but the interval is not; beyond it; too few accounts to say;
beyond it or uncertain, but only told as policy says."""

SCREENS: Mapping[str, tuple[str, bool]] = {
    "adverse_impact_ratio": ("adverse_impact_ratio_least", True),
    "equal_opportunity_difference": ("equal_opportunity_difference_most", False),
    "score_difference": ("score_difference_most", False),
    "cut_difference": ("cut_difference_most", False),
}
"""Figure -> its bound in the policy, and whether that is the least (else the most)."""

TREATMENT = frozenset(SCREENS) - {"score_difference"}
"""Those of what was done to people, and not of what was thought of them."""

PROXY, PROXY_BOUND = "proxy", "proxy_auc_most"

MEASURED: Mapping[str, tuple[str, ...]] = {
    "sex_measured": ("sex", "gender", "性别"),
    "age_measured": ("age", "年龄"),
    "marital_status_measured": ("marital_status", "marriage", "婚姻状况"),
    "education_measured": ("education", "学历"),
}
"""Parameter: whether a release's report must measure an attribute -> what its column is called, or begins with."""


@dataclass(frozen=True, slots=True)
class Screened:
    """One figure of one group against its bound.

    Parameters
    ----------
    screen
        Of :data:`SCREENS`, or ``proxy``.
    attribute, group
        Whose figure.
    value, low, high
        The figure and its 95 % interval, None where that is not known.
    bound
        Of the policy.
    status
        passed, uncertain, failed, small or told.
    is_certain
        Whether the whole interval lies on the side of the value: the screen would hold in 19 of 20 samples alike.
    blocks
        Whether going live waits for compliance's justification.
    """

    screen: str
    attribute: str
    group: str
    value: float
    low: float | None
    high: float | None
    bound: float
    status: str
    is_certain: bool
    blocks: bool

    def __str__(self) -> str:
        """One sentence: whose figure is what, with its interval, against which bound."""
        bounds = "" if self.low is None else f" ({self.low:.3f} to {self.high:.3f})"
        return (
            f"{self.screen} of {self.attribute} '{self.group}' is {self.value:.3f}{bounds}, "
            f"bound {self.bound:g}: {self.status}."
        )

    def to_document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def screened(report: Mapping[str, Any], policy: Parameters) -> tuple[Screened, ...]:
    """Every figure that has a screen against its bound, in the report's order.

    A point estimate beyond the bound fails; one within it whose interval holds the bound is uncertain, and fails where
    the policy says so (``uncertain_fails``). A figure that rests on fewer accounts than ``group_accounts_least`` screens
    nothing. Groups of two attributes together are told, and fail where ``intersections_fail`` is 1. The most favoured
    group is what the others are compared with and has no finding.

    Parameters
    ----------
    report
        A fairness report's document (``docs/fairness.md``).
    policy
        The screens in force on the day, from ``policy/fairness/screens.yaml``.

    Raises
    ------
    PolicyError
        When a bound is not in force.

    Examples
    --------
    >>> import datetime as dt
    >>> figure = {"value": 0.7, "low": 0.66, "high": 0.74, "accounts": 900, "is_small": False}
    >>> group = {"group": "b", "figures": {"adverse_impact_ratio": {"best": figure}}}
    >>> report = {"attributes": [{"attribute": "sex", "most_favoured": "a", "groups": [group]}],
    ...     "intersections": [], "proxies": []}
    >>> bounds = {"adverse_impact_ratio_least": 0.8, "uncertain_fails": 0, "intersections_fail": 0}
    >>> print(*screened(report, Parameters(dt.date(2026, 1, 1), bounds, "")))
    adverse_impact_ratio of sex 'b' is 0.700 (0.660 to 0.740), bound 0.8: failed.
    """
    return tuple(_findings(report, policy))


def unscreened(report: Mapping[str, Any], findings: Sequence[Screened]) -> tuple[str, ...]:
    """Attributes of which no figure of treatment was held against a bound: too few accounts, or nobody to compare.

    So little was screened that nothing could fail, even where all of a group of 90 are cut and nobody else is. Scores
    and what tells groups apart (``proxy``) are no treatment.
    """
    held = {each.attribute for each in findings if each.screen in TREATMENT and each.status != SMALL}
    return tuple(part["attribute"] for part in report["attributes"] if part["attribute"] not in held)


def unmeasured(report: Mapping[str, Any], policy: Parameters) -> tuple[str, ...]:
    """Attributes that the policy of the day wants measured, and that no column of a report is named after.

    Examples
    --------
    >>> import datetime as dt
    >>> policy = Parameters(dt.date(2026, 1, 1), {"sex_measured": 1, "age_measured": 1}, "")
    >>> unmeasured({"attributes": [{"attribute": "AGE_BAND"}, {"attribute": "agency"}]}, policy)
    ('sex',)
    """
    columns = [str(part["attribute"]).casefold() for part in report["attributes"]]
    return tuple(
        name.removesuffix("_measured")
        for name, called in MEASURED.items()
        if policy.values.get(name) == 1.0
        and not any(column == each or column.startswith(f"{each}_") for column in columns for each in called)
    )


def blocking(findings: Sequence[Screened]) -> tuple[str, ...]:
    """What keeps a strategy from going live, as sentences: the fact ``fairness_failed`` of the regulation's rules."""
    return tuple(str(each) for each in findings if each.blocks)


def _findings(report: Mapping[str, Any], policy: Parameters) -> Iterator[Screened]:
    for key, screens in (("attributes", True), ("intersections", policy["intersections_fail"] == 1.0)):
        for part in report[key]:
            for group in part["groups"]:
                if group["group"] == part["most_favoured"]:
                    continue
                for name, (bound, is_least) in SCREENS.items():
                    figure = group["figures"].get(name, {}).get("best")
                    if figure and figure["value"] is not None:
                        subject = (name, part["attribute"], group["group"])
                        yield _finding(*subject, figure, policy[bound], is_least, screens, policy)
    for proxy in report["proxies"]:
        subject = (PROXY, proxy["attribute"], proxy["group"])
        if proxy["auc"]["value"] is not None:
            yield _finding(*subject, proxy["auc"], policy[PROXY_BOUND], False, True, policy)


def _finding(
    screen: str,
    attribute: str,
    group: str,
    figure: Mapping[str, Any],
    bound: float,
    is_least: bool,
    screens: bool,
    policy: Parameters,
) -> Screened:
    value, low, high = figure["value"], figure["low"], figure["high"]
    beyond = value < bound if is_least else value > bound
    holds_bound = low is None or low <= bound <= high
    status = FAILED if beyond else UNCERTAIN if holds_bound else PASSED
    blocks = status == FAILED or (status == UNCERTAIN and policy["uncertain_fails"] == 1.0)
    if figure["is_small"]:
        status, blocks = SMALL, False
    elif not screens and status != PASSED:
        status, blocks = TOLD, False
    return Screened(
        screen, attribute, group, value, low, high, bound, status, is_certain=not holds_bound, blocks=blocks
    )
