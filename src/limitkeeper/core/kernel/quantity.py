"""A quantity: what a column means, in which unit and range."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantity:
    """The name, unit, range and meaning of one column of numbers.

    Every column on the decision path is float64; missing is NaN. Amounts are whole minor units, which
    float64 holds exactly up to 2**53.

    Parameters
    ----------
    name
        The column's name, unit last.
    unit
        Such as ``cents``, ``share``, ``count``, ``days``, ``flag`` (0 or 1).
    description, description_zh
        One sentence, English and Chinese.
    missing
        When it is NaN, or ``never``.
    low, high
        The closed range of its values.
    """

    name: str
    unit: str
    description: str
    description_zh: str
    missing: str = "never"
    low: float = -math.inf
    high: float = math.inf
