"""The kind of a campaign's case, and the states of a campaign and of its items."""

CAMPAIGN = "campaign"
"""The kind of its case."""

PROPOSED, WORKING, DONE, CANCELLING, CANCELLED, SPLIT = (
    "proposed", "working", "planned", "cancelling", "cancelled", "split",
)  # fmt: skip
"""States of a campaign; one that is proposed is where its case is."""

ITEM_WAITING, ITEM_PLANNED, ITEM_SET_ASIDE, ITEM_CANCELLED = "waiting", "planned", "set_aside", "cancelled"
"""States of an item: not worked off yet, its line is to change or has changed, left alone, taken back."""
