"""The kind of a campaign's case, and the states of a campaign."""

CAMPAIGN = "campaign"
"""The kind of its case."""

PROPOSED, WORKING, DONE, CANCELLING, CANCELLED, SPLIT = (
    "proposed", "working", "planned", "cancelling", "cancelled", "split",
)  # fmt: skip
"""States of a campaign; one that is proposed is where its case is."""
