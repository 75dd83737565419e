"""From a set to a transform onto it: `biject_to` gives a bijection, `transform_to` a map that need not be one.

    transform_to(Normal.arg_constraints["scale"])(unconstrained)     a parameter that an optimiser may move freely
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.distributions import constraints, transforms

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """Factories of transforms by the kind of constraint. `register` adds one, as a decorator too."""

    def __init__(self) -> None:
        self._registry: dict[type, Callable[[Any], transforms.Transform]] = {}

    def register(self, constraint: Any, factory: Any = None) -> Any:
        """Let `factory(constraint)` make the transform for constraints of this kind.

        Raises: TypeError for something that is no constraint.
        """
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = type(constraint) if isinstance(constraint, constraints.Constraint) else constraint
        if not (isinstance(kind, type) and issubclass(kind, constraints.Constraint)):
            raise TypeError(f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> transforms.Transform:
        """The transform onto a constraint. Raises: NotImplementedError when none is registered."""
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return factory(constraint)


biject_to = ConstraintRegistry()
transform_to = ConstraintRegistry()


def _register(constraint: Any, *registries: ConstraintRegistry) -> Callable[[Any], Any]:
    def decorate(factory: Any) -> Any:
        for registry in registries or (biject_to, transform_to):
            registry.register(constraint, factory)
        return factory

    return decorate


@_register(constraints.real)
def _real(constraint: Any) -> transforms.Transform:
    return transforms.identity_transform


@_register(constraints.independent, biject_to)
def _bijection_of_independent(constraint: Any) -> transforms.Transform:
    base = biject_to(constraint.base_constraint)
    return transforms.IndependentTransform(base, constraint.reinterpreted_batch_ndims)


@_register(constraints.independent, transform_to)
def _independent(constraint: Any) -> transforms.Transform:
    base = transform_to(constraint.base_constraint)
    return transforms.IndependentTransform(base, constraint.reinterpreted_batch_ndims)


def _greater(constraint: Any) -> transforms.Transform:
    bound = constraint.lower_bound
    if isinstance(bound, (int, float)) and bound == 0:
        return transforms.ExpTransform()
    return transforms.ComposeTransform([transforms.ExpTransform(), transforms.AffineTransform(bound, 1)])


for _kind in (constraints.greater_than, constraints.greater_than_eq):
    _register(_kind)(_greater)


@_register(constraints.less_than)
def _less(constraint: Any) -> transforms.Transform:
    parts = [transforms.ExpTransform(), transforms.AffineTransform(constraint.upper_bound, -1)]
    return transforms.ComposeTransform(parts)


@_register(constraints.interval)
@_register(constraints.half_open_interval)
def _interval(constraint: Any) -> transforms.Transform:
    low, high = constraint.lower_bound, constraint.upper_bound
    plain = isinstance(low, (int, float)) and isinstance(high, (int, float))
    if plain and (low, high) == (0, 1):
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform([transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)])


@_register(constraints.simplex, biject_to)
def _simplex_bijection(constraint: Any) -> transforms.Transform:
    return transforms.StickBreakingTransform()


@_register(constraints.simplex, transform_to)
def _simplex(constraint: Any) -> transforms.Transform:
    return transforms.SoftmaxTransform()


@_register(constraints.lower_cholesky, transform_to)
def _lower_cholesky(constraint: Any) -> transforms.Transform:
    return transforms.LowerCholeskyTransform()


@_register(constraints.positive_definite, transform_to)
@_register(constraints.positive_semidefinite, transform_to)
def _positive_definite(constraint: Any) -> transforms.Transform:
    return transforms.PositiveDefiniteTransform()


@_register(constraints.corr_cholesky)
def _corr_cholesky(constraint: Any) -> transforms.Transform:
    return transforms.CorrCholeskyTransform()


@_register(constraints.cat, biject_to)
def _cat_bijection(constraint: Any) -> transforms.Transform:
    return transforms.CatTransform([biject_to(c) for c in constraint.cseq], constraint.dim, constraint.lengths)


@_register(constraints.cat, transform_to)
def _cat(constraint: Any) -> transforms.Transform:
    return transforms.CatTransform([transform_to(c) for c in constraint.cseq], constraint.dim, constraint.lengths)


@_register(constraints.stack, biject_to)
def _stack_bijection(constraint: Any) -> transforms.Transform:
    return transforms.StackTransform([biject_to(c) for c in constraint.cseq], constraint.dim)


@_register(constraints.stack, transform_to)
def _stack(constraint: Any) -> transforms.Transform:
    return transforms.StackTransform([transform_to(c) for c in constraint.cseq], constraint.dim)
