"""tf.device and tf.config, as programs use them at their beginning."""

from __future__ import annotations

import pytest

import wengert
import wengert.tf as tf


@pytest.mark.parametrize(
    "name",
    ["/CPU:0", "cpu:0", "/device:CPU:0", "/GPU:0", "/GPU:1", "TPU", "/job:localhost/replica:0/task:0/device:CPU:0", "", None],
)
def test_programs_run_on_the_cpu_whatever_device_they_name(name):
    with tf.device(name):
        assert (tf.constant(1) + 1).numpy() == 2 and tf.constant(1.0).device.endswith("CPU:0")


@pytest.mark.parametrize("name", ["foo", "/CPU:x", "cpu 0"])
def test_what_is_no_device(name):
    with pytest.raises(ValueError, match="parsing the device spec"), tf.device(name):
        pass


def test_the_devices():
    (cpu,) = tf.config.list_physical_devices()
    assert cpu == tf.config.PhysicalDevice("/physical_device:CPU:0", "CPU")
    assert tf.config.list_physical_devices("GPU") == [] == tf.config.experimental.list_logical_devices("GPU")
    assert tf.config.list_logical_devices() == [tf.config.LogicalDevice("/device:CPU:0", "CPU")]
    tf.config.set_visible_devices([], "GPU")
    assert tf.config.get_visible_devices() == [cpu]
    with pytest.raises(ValueError, match="CPU"):
        tf.config.set_visible_devices([], "CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()])
    with pytest.raises(ValueError, match="one device"):
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def test_choices_are_remembered():
    (cpu,) = tf.config.list_physical_devices()
    for value in (False, True):
        tf.config.experimental.set_memory_growth(cpu, value)
        assert tf.config.experimental.get_memory_growth(cpu) is value
        tf.config.set_soft_device_placement(value)
        assert tf.config.get_soft_device_placement() is value
        tf.config.experimental.enable_tensor_float_32_execution(value)
        assert tf.config.experimental.tensor_float_32_execution_enabled() is value
        tf.config.optimizer.set_jit(value)
        assert tf.config.optimizer.get_jit() == ("autoclustering" if value else "")


def test_threads():
    before = wengert.get_num_threads()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        assert wengert.get_num_threads() == tf.config.threading.get_intra_op_parallelism_threads() == 1
    finally:
        wengert.set_num_threads(before)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    assert tf.config.threading.get_inter_op_parallelism_threads() == 1
