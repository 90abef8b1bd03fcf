"""Bounds that the parts of the state share."""

from limitkeeper.core.behaviour.events import HOUR_US

BOUNDARY_US = HOUR_US
"""What is on a clock happens at whole hours of event time."""

SHARDS = 2
"""Shards of the accounts, a thread each; the result does not depend on how many."""
