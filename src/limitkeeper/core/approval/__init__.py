"""Who decides on a proposal, and how: tiers, mandates, four eyes, committee, clocks."""
