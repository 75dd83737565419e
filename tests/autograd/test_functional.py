"""jacobian, hessian and the products, against PyTorch's."""

import pytest

import wengert
from tests.autograd.both import leaf, same, same_error


def products(name, func, *inputs, **options):
    """A program that calls one of autograd.functional."""

    def program(lib):
        xs = tuple(leaf(lib, *shape, seed=i).detach() for i, shape in enumerate(inputs))
        return getattr(lib.autograd.functional, name)(func, xs if len(xs) > 1 else xs[0], **options)

    return program


@pytest.mark.parametrize("options", [{}, {"vectorize": True}, {"vectorize": True, "strategy": "forward-mode"}])
@pytest.mark.parametrize(
    ("func", "inputs"),
    [
        (lambda x: x.exp(), [(3,)]),
        (lambda x: x.sum(), [(2, 3)]),
        (lambda x: (x * x, x.sum()), [(2, 2)]),
        (lambda x, y: x @ y, [(2, 3), (3, 2)]),
        (lambda x, y: (x * y.sum(), x.sum() * 2), [(3,), (2, 2)]),
    ],
)
def test_jacobian(func, inputs, options):
    same(products("jacobian", func, *inputs, **options))


def test_jacobian_of_nothing(options=({}, {"vectorize": True}, {"vectorize": True, "strategy": "forward-mode"})):
    for chosen in options:  # PyTorch's raises
        assert tuple(products("jacobian", lambda x: x[:0] * 2, (3,), **chosen)(wengert).shape) == (0, 3)


def test_jacobian_of_what_does_not_depend_on_the_input():
    same(products("jacobian", lambda x: x.new_ones(2), (3,)))
    same(products("jacobian", lambda x, y: (x * 2, y), (2,), (3,), vectorize=True))


@pytest.mark.parametrize(
    "options", [{}, {"vectorize": True}, {"vectorize": True, "outer_jacobian_strategy": "forward-mode"}]
)
def test_hessian(options):
    def program(lib):
        x, y = leaf(lib, 3).detach(), leaf(lib, 3, seed=1).detach()
        call = lib.autograd.functional.hessian
        found = [
            call(lambda x: (x**3).sum() * x[0], x, **options),
            call(lambda x: (x**3).sum().reshape(1), x, **options),
            *[block for row in call(lambda x, y: (x.sin() * y).sum() ** 2, (x, y), **options) for block in row],
        ]
        return [block.detach() for block in found]  # PyTorch's forward-mode ones stay tracked

    same(program)


def test_create_graph_reaches_the_inputs():
    def program(lib):
        x = leaf(lib, 3)
        found = lib.autograd.functional.jacobian(lambda x: x**3, x, create_graph=True)
        hess = lib.autograd.functional.hessian(lambda x: (x**3).sum(), x, create_graph=True)
        _, product = lib.autograd.functional.vjp(lambda x: x**3, x, x.detach(), create_graph=True)
        return found, lib.autograd.grad(found.sum(), x), hess, lib.autograd.grad(hess.sum(), x), product

    same(program)


def test_products():
    for name in ("vjp", "jvp"):

        def program(lib, name=name):
            call = getattr(lib.autograd.functional, name)
            x, v, w = (leaf(lib, 3, seed=i).detach() for i in range(3))
            return [
                call(lambda x: x**3, x, v),
                call(lambda x: (x * 2, x.sum()), x, (v, v.sum()) if name == "vjp" else v),
                call(lambda x, y: x * y, (x, w), v if name == "vjp" else (v, w)),
                call(lambda x: x.new_ones(3), x, v),
            ]

        same(program)


def test_hessian_products():
    for name in ("vhp", "hvp"):

        def program(lib, name=name):
            call = getattr(lib.autograd.functional, name)
            x, v, w = (leaf(lib, 3, seed=i).detach() for i in range(3))
            return [
                call(lambda x: (x**3).sum(), x, v),
                call(lambda x, y: (x.sin() * y**2).sum(), (x, w), (v, w)),
                call(lambda x: x.sum() * 2, x, v),
            ]

        same(program)


def test_jvp_tracks_with_create_graph():
    def program(lib):
        x = leaf(lib, 3)
        _, product = lib.autograd.functional.jvp(lambda x: x**3, x, x.detach(), create_graph=True)
        return lib.autograd.grad(product.sum(), x)

    same(program)


def test_v_may_be_left_out_for_one_number():
    same(products("vjp", lambda x: x.sum(), (3,)))
    same(products("jvp", lambda x: x.exp(), (1,)))
    same_error(products("vjp", lambda x: x * 2, (3,)), "None")
    same_error(products("jvp", lambda x: x * 2, (3,)), "None")


def test_errors():
    same_error(products("hessian", lambda x: x * 2, (3,)), "single element")
    same_error(products("vhp", lambda x: (x.sum(), x.sum()), (3,)), "single Tensor")
    same_error(lambda lib: lib.autograd.functional.jacobian(lambda x: x, 3.0), "float")
    same_error(lambda lib: lib.autograd.functional.jacobian(lambda x: 3.0, leaf(lib, 2)), "float")
    same_error(lambda lib: lib.autograd.functional.jacobian(lambda x: x, lib.arange(3)), "floating point")
    same_error(products("jacobian", lambda x: x, (2,), strategy="forward-mode"), "vectorize")
    same_error(products("jacobian", lambda x: x, (2,), strategy="sideways"), "sideways")
    same_error(products("jacobian", lambda x: x, (2,), strategy="forward-mode", vectorize=True, create_graph=True))
    same_error(products("jacobian", lambda x: x.new_ones(2), (2,), strict=True), "Output 0")
    same_error(products("jacobian", lambda x: x * 2, (2,), strict=True, create_graph=True), "input 0")
    same_error(products("hessian", lambda x: (x * 2).sum(), (2,), strict=True), "input 0")
    same_error(
        lambda lib: lib.autograd.functional.vjp(lambda x: x * 2, leaf(lib, 3), leaf(lib, 2)), "size"
    )
    same_error(lambda lib: lib.autograd.functional.jvp(lambda x: x.new_ones(2), leaf(lib, 3), leaf(lib, 3), strict=True))


def test_jvp_of_a_function_with_backward_only():
    def program(lib):
        class Cube(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x**3, x * 2

            @staticmethod
            def backward(ctx, g, h):
                return g * 3 * ctx.saved_tensors[0] ** 2 + h * 2

        x, v = leaf(lib, 3).detach(), leaf(lib, 3, seed=1).detach()
        call = lib.autograd.functional
        return call.jvp(lambda x: (*Cube.apply(x), x.exp()), x, v), call.hvp(lambda x: Cube.apply(x)[0].sum(), x, v)

    same(program)
