"""tf.Module and name scopes."""

from __future__ import annotations

import pytest

import wengert.tf as tf


class Layer(tf.Module):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.w = tf.Variable([1.0], name="w")
        self.frozen = tf.Variable([1.0], trainable=False, name="frozen")


class DeepNet(tf.Module):
    def __init__(self):
        super().__init__()
        self.layers = [Layer("a"), {"b": Layer("b")}]
        self.bias = tf.Variable(0.0, name="bias")
        self.again = self.bias
        self.parent = self


def test_variables_and_submodules():
    net = DeepNet()
    assert (net.name, Layer().name) == ("deep_net", "layer")
    assert [v.name for v in net.variables] == ["bias:0", "frozen:0", "w:0", "frozen:0", "w:0"]
    assert len(net.trainable_variables) == 3
    assert len(net.non_trainable_variables) == 2
    assert [m.name for m in net.submodules] == ["a", "b"]


def test_name_scopes():
    with tf.name_scope("outer") as outer, tf.name_scope("inner") as inner:
        assert (outer, inner) == ("outer/", "outer/inner/")
    with pytest.raises(ValueError, match="must be a string"):
        tf.name_scope(1)
    with pytest.raises(ValueError, match="not a valid module name"):
        tf.Module("1a")


def test_with_name_scope():
    class Named(tf.Module):
        @tf.Module.with_name_scope
        def scope(self):
            with tf.name_scope("x") as full:
                return full

    assert Named("n").scope() == "n/x/"
