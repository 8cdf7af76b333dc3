"""Which designs an optimisation tries next: optuna's samplers, whose chance is that of the trial's number.

A sampler carries the state of its random numbers from trial to trial, and a process that is killed takes it along. Here each
trial, and each parameter that is drawn alone, has numbers of its own, by seed, trial and name: whoever asks for trial 17, and
however often, gets the same design, as long as the same trials were told before.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler
from optuna.samplers.nsgaii import SBXCrossover
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from chipsim.study.optimisation import OUTCOME


def _violations(trial: FrozenTrial) -> Sequence[float]:
    return tuple(trial.user_attrs[OUTCOME]["violations"])


class _Ordered(NSGAIISampler):
    """NSGA-II whose parents are in the order of their numbers: optuna's are so only once it has written them down."""

    def select_parent(self, study: Study, generation: int) -> list[FrozenTrial]:
        return sorted(super().select_parent(study, generation), key=lambda trial: trial.number)


def _nsga2(seed: int, batch: int) -> BaseSampler:
    # A batch is a generation.
    return _Ordered(seed=seed, population_size=batch, crossover=SBXCrossover(), constraints_func=_violations)


def _tpe(seed: int, batch: int) -> BaseSampler:
    # Of a batch each trial knows where the others are ("constant liar").
    return TPESampler(seed=seed, multivariate=True, constant_liar=True, constraints_func=_violations)


def _random(seed: int, batch: int) -> BaseSampler:
    # NSGA-II's first generation is drawn at random; this one has no end.
    return NSGAIISampler(seed=seed, population_size=10**9, constraints_func=_violations)


_SAMPLERS: dict[str, Callable[[int, int], BaseSampler]] = {"nsga2": _nsga2, "tpe": _tpe, "random": _random}


class Seeded(BaseSampler):
    """A sampler that is made anew for each trial.

    Args:
        name: ``"nsga2"``, ``"tpe"`` or ``"random"``.
        seed: Same seed, same trials.
        batch: How many trials are asked for at once.
    """

    def __init__(self, name: str, seed: int, batch: int) -> None:
        self._name, self._seed, self._batch = name, seed, batch

    def _made(self, *what: Any) -> BaseSampler:
        digest = hashlib.sha256(repr((self._seed, *what)).encode()).digest()
        with warnings.catch_warnings():
            # constraints_func is what optuna 4 and 5 both have; 5 would rather have another, TPE's options count as new.
            warnings.simplefilter("ignore")
            return _SAMPLERS[self._name](int.from_bytes(digest[:4], "little"), self._batch)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Parameters that are drawn together."""
        return self._made(trial.number).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Their values."""
        return self._made(trial.number).sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """The value of a parameter that is drawn alone."""
        maker = self._made(trial.number, param_name)
        return maker.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Keep by how much constraints are violated where the sampler looks for it."""
        self._made(trial.number).after_trial(study, trial, state, values)
