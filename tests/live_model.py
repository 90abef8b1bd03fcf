"""A small model made by hand that reads what live events give."""

from limitkeeper.core.risk.model import InputColumn, Model
from limitkeeper.core.risk.scorecard import Characteristic, Scorecard

LINES = (
    Characteristic("utilisation", "Utilisation", None, (0.3, 0.9), (), (1_500, -1_000, -3_000), 0, (), ()),
    Characteristic("late_share_12", "Late", None, (0.2,), (), (500, -2_500), 0, (), ()),
)


def live_model() -> Model:
    """The model: the more of a line is used and the more bills were late, the higher the PD."""
    inputs = tuple(InputColumn(line.name, "number") for line in LINES)
    return Model("pd", "bad", "1", "a year", inputs, (), (), Scorecard(LINES, 54_000))
