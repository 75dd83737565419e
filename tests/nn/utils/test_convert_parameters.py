import numpy as np
import pytest

import wengert
from wengert import nn
from wengert.nn import utils


def test_parameters_become_a_vector_and_come_back():
    layer = nn.Linear(2, 3)
    vector = utils.parameters_to_vector(layer.parameters())
    assert vector.shape == (9,)
    (vector * wengert.arange(9.0)).sum().backward()
    np.testing.assert_array_equal(layer.bias.grad.numpy(), [6.0, 7.0, 8.0])
    weight = layer.weight
    utils.vector_to_parameters(wengert.arange(9.0), layer.parameters())
    assert layer.weight is weight
    assert weight.requires_grad
    np.testing.assert_array_equal(weight.detach().numpy(), [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(layer.bias.detach().numpy(), [6, 7, 8])


def test_the_parameters_share_the_vectors_memory():
    layer, vector = nn.Linear(2, 1), wengert.zeros(3)
    utils.vector_to_parameters(vector, layer.parameters())
    vector.fill_(2.0)
    np.testing.assert_array_equal(layer.weight.detach().numpy(), 2.0)


def test_only_a_tensor_is_a_vector():
    with pytest.raises(TypeError, match="expected Tensor"):
        utils.vector_to_parameters([1.0], nn.Linear(1, 1).parameters())
