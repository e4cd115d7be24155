"""How many clients it takes to tell two shares apart."""

from __future__ import annotations

import math
from statistics import NormalDist

from service.weights.proportions import CONFIDENCE

POWER = 0.8
"""How often a difference that is there shall be found."""

_NORMAL = NormalDist()
_Z_ERROR = _NORMAL.inv_cdf((1 + CONFIDENCE) / 2)
_Z_POWER = _NORMAL.inv_cdf(POWER)


def clients_for_difference(share_a: float, share_b: float, part_of_b: float) -> int | None:
    """Return the clients in both arms by whom a difference of shares is found 8 times in 10.

    By the two-sided z-test of two proportions at 5 % (Fleiss, Levin and Paik, Statistical
    Methods for Rates and Proportions, 3rd edition, section 4.3, no continuity correction), with
    a and b the parts of the clients in the arms, p = a * p_a + b * p_b:

        n = (z_0.975 sqrt(p (1 - p) (1/a + 1/b)) + z_0.8 sqrt(p_a (1 - p_a)/a + p_b (1 - p_b)/b))^2
            / (p_b - p_a)^2

    part_of_b: of all clients, 0 to 1. None where the shares are equal or an arm is empty.
    """
    part_of_a = 1.0 - part_of_b
    if share_a == share_b or not 0 < part_of_b < 1:
        return None
    mean = part_of_a * share_a + part_of_b * share_b
    by_chance = mean * (1 - mean) * (1 / part_of_a + 1 / part_of_b)
    in_truth = share_a * (1 - share_a) / part_of_a + share_b * (1 - share_b) / part_of_b
    deviations = _Z_ERROR * math.sqrt(by_chance) + _Z_POWER * math.sqrt(in_truth)
    return math.ceil((deviations / (share_b - share_a)) ** 2)


def clients_for_preference(preference: float) -> int | None:
    """Return the clients with a preference by whom one for B is found 8 times in 10.

    preference: the part that prefers B; by the two-sided test against one half at 5 %:

        n = (z_0.975 / 2 + z_0.8 sqrt(p (1 - p)))^2 / (p - 1/2)^2

    None where it is one half.
    """
    if preference == 0.5:
        return None
    deviations = _Z_ERROR / 2 + _Z_POWER * math.sqrt(preference * (1 - preference))
    return math.ceil((deviations / (preference - 0.5)) ** 2)
