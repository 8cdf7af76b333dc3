"""Counts into fractions with intervals, and the lognormal spreads that the capture models use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Z95 = 1.959963984540054


@dataclass(frozen=True)
class Fraction:
    """A fraction with its 95 % interval of the Monte Carlo, and its range over the assumed parameters.

    The range is the value itself until assumptions are varied.
    """

    value: float
    ci95: tuple[float, float]
    range: tuple[float, float]


def wilson_interval(count: int, samples: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a binomial fraction (Wilson 1927).

    Args:
        count: How many of the samples had the property.
        samples: How many there were, at least 1.
    """
    p, z2 = count / samples, Z95**2
    centre = (p + z2 / (2 * samples)) / (1 + z2 / samples)
    half = Z95 / (1 + z2 / samples) * math.sqrt(p * (1 - p) / samples + z2 / (4 * samples**2))
    # At 0 and at all of them the interval ends exactly there; rounding must not move it past the estimate.
    return (
        0.0 if count == 0 else max(0.0, centre - half),
        1.0 if count == samples else min(1.0, centre + half),
    )


def counted(count: int, samples: int) -> Fraction:
    """The fraction ``count / samples`` with Wilson's interval."""
    value = count / samples
    return Fraction(value, wilson_interval(count, samples), (value, value))


def exact(value: float) -> Fraction:
    """A fraction that was integrated, not sampled: its interval has no width."""
    return Fraction(value, (value, value), (value, value))


def spread_around(value: float, varied: Sequence[float]) -> tuple[float, float]:
    """Range of a fraction over variations that were computed with fewer samples than the fraction itself.

    Only the differences to the unvaried case with those same few samples are used, so their common sampling
    error drops out.

    Args:
        value: The fraction.
        varied: With few samples: first unvaried, then one for each variation.
    """
    changes = [v - varied[0] for v in varied]
    return max(0.0, value + min(changes)), min(1.0, value + max(changes))


def lognormal_sigma(cv: float) -> float:
    """Standard deviation of the logarithm of a lognormal with coefficient of variation ``cv``."""
    return math.sqrt(math.log1p(cv**2))


def quantile_interval(sorted_values: np.ndarray, fraction: float) -> tuple[float, float]:
    """95 % interval of a quantile by order statistics (normal approximation of the rank).

    Args:
        sorted_values: Ascending, shape (samples,).
        fraction: Which quantile, 0 to 1.
    """
    n = len(sorted_values)
    half = Z95 * math.sqrt(fraction * (1 - fraction) * n)
    low, high = (min(n - 1, max(0, round(fraction * n + s * half))) for s in (-1, 1))
    return float(sorted_values[low]), float(sorted_values[high])
