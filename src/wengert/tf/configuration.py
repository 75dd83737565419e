"""Where and how programs run: `tf.device` and `tf.config`. There is one device here, the CPU."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Optional, TypeAlias

import wengert

_DEVICE = re.compile(
    r"(/?(job:\w+|replica:\d+|task:\d+|(device:)?(cpu|gpu|tpu|xla_cpu|xla_gpu)(:(\d+|\*))?))+/?", re.IGNORECASE
)


@contextmanager
def device(device_name: Any) -> Iterator[None]:
    """Where operations run. As TensorFlow does where a device is missing, what is meant for another one runs on the CPU.

    Raises: ValueError for a name that is no device.
    """
    if not (device_name is None or callable(device_name) or _DEVICE.fullmatch(str(device_name)) or device_name == ""):
        raise ValueError(f"Unknown attribute is encountered while parsing the device spec: {device_name!r}. Use '/CPU:0'.")
    yield


class PhysicalDevice(NamedTuple):
    """A device of the machine."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device of the program."""

    name: str
    device_type: str


class _Threads:
    """``tf.config.threading``."""

    @staticmethod
    def get_intra_op_parallelism_threads() -> int:
        """How many threads one operation may use."""
        return int(wengert.get_num_threads())

    @staticmethod
    def set_intra_op_parallelism_threads(num_threads: int) -> None:
        """Choose it; 0 leaves the choice to the machine."""
        if num_threads:
            wengert.set_num_threads(num_threads)

    @staticmethod
    def get_inter_op_parallelism_threads() -> int:
        """One operation runs at a time."""
        return 1

    @staticmethod
    def set_inter_op_parallelism_threads(num_threads: int) -> None:
        """Accepted; one operation runs at a time."""


class LogicalDeviceConfiguration(NamedTuple):
    """Limits for a device of the program."""

    memory_limit: Any = None
    experimental_priority: Any = None
    experimental_device_ordinal: Any = None


class _Switches:
    """What is only remembered."""

    growth: dict[str, bool] = {}
    soft = True
    jit: Any = ""
    tensor_float_32 = True


class _Optimizer:
    """``tf.config.optimizer``."""

    @staticmethod
    def set_jit(enabled: Any) -> None:
        """Remembered: every program is compiled."""
        _Switches.jit = {True: "autoclustering", False: ""}.get(enabled, enabled)

    @staticmethod
    def get_jit() -> Any:
        """What was chosen."""
        return _Switches.jit

    @staticmethod
    def set_experimental_options(options: Any) -> None:
        """Accepted: there is one compiler."""


class _Experimental:
    """``tf.config.experimental``."""

    VirtualDeviceConfiguration = LogicalDeviceConfiguration

    @staticmethod
    def list_physical_devices(device_type: Optional[str] = None) -> list[PhysicalDevice]:
        """As `tf.config.list_physical_devices`."""
        return config.list_physical_devices(device_type)

    @staticmethod
    def list_logical_devices(device_type: Optional[str] = None) -> list[LogicalDevice]:
        """As `tf.config.list_logical_devices`."""
        return config.list_logical_devices(device_type)

    @staticmethod
    def get_visible_devices(device_type: Optional[str] = None) -> list[PhysicalDevice]:
        """As `tf.config.get_visible_devices`."""
        return config.get_visible_devices(device_type)

    @staticmethod
    def set_visible_devices(devices: Any, device_type: Optional[str] = None) -> None:
        """As `tf.config.set_visible_devices`."""
        config.set_visible_devices(devices, device_type)

    @staticmethod
    def set_memory_growth(device: Any, enable: bool) -> None:
        """Remembered; the CPU's memory grows."""
        _Switches.growth[device.name] = bool(enable)

    @staticmethod
    def get_memory_growth(device: Any) -> bool:
        """What was chosen."""
        return _Switches.growth.get(device.name, True)

    @staticmethod
    def get_device_details(device: Any) -> dict[str, Any]:
        """Nothing is told of the CPU."""
        return {}

    @staticmethod
    def set_virtual_device_configuration(device: Any, logical_devices: Any) -> None:
        """As `tf.config.set_logical_device_configuration`."""
        config.set_logical_device_configuration(device, logical_devices)

    @staticmethod
    def enable_tensor_float_32_execution(enabled: bool) -> None:
        """Remembered: float32 is computed in float32."""
        _Switches.tensor_float_32 = bool(enabled)

    @staticmethod
    def tensor_float_32_execution_enabled() -> bool:
        """What was chosen."""
        return _Switches.tensor_float_32

    @staticmethod
    def enable_op_determinism() -> None:
        """Nothing to do: the same program with the same seed gives the same bits."""


# In `config` their names are attributes.
_Physical: TypeAlias = PhysicalDevice
_Logical: TypeAlias = LogicalDevice


class config:
    """``tf.config``: the devices, and how programs run."""

    threading = _Threads
    experimental = _Experimental
    optimizer = _Optimizer
    PhysicalDevice = PhysicalDevice
    LogicalDevice = LogicalDevice
    LogicalDeviceConfiguration = LogicalDeviceConfiguration
    _eagerly = False

    @staticmethod
    def list_physical_devices(device_type: Optional[str] = None) -> list[_Physical]:
        """The devices of a type, or all of them."""
        return [_Physical("/physical_device:CPU:0", "CPU")] if device_type in (None, "CPU") else []

    @staticmethod
    def list_logical_devices(device_type: Optional[str] = None) -> list[_Logical]:
        """The same, as programs name them."""
        return [_Logical("/device:CPU:0", "CPU")] if device_type in (None, "CPU") else []

    @staticmethod
    def get_visible_devices(device_type: Optional[str] = None) -> list[_Physical]:
        """All of them."""
        return config.list_physical_devices(device_type)

    @staticmethod
    def set_visible_devices(devices: Any, device_type: Optional[str] = None) -> None:
        """Hide devices: those of other kinds are not there, and the CPU stays.

        Raises: ValueError when the CPU would be hidden.
        """
        if not devices and device_type in (None, "CPU"):
            raise ValueError("Empty list of CPU devices is not allowed: programs run on it. Name the kind of device to hide.")

    @staticmethod
    def set_logical_device_configuration(device: Any, logical_devices: Any) -> None:
        """Accepted for one device. Raises: ValueError for a device that would be several."""
        if logical_devices is not None and len(logical_devices) > 1:
            raise ValueError(f"{device.name} is one device here, not {len(logical_devices)}")

    @staticmethod
    def get_soft_device_placement() -> bool:
        """Whether what is meant for a missing device runs on another: always; what was chosen is remembered."""
        return _Switches.soft

    @staticmethod
    def set_soft_device_placement(enabled: bool) -> None:
        """Remembered."""
        _Switches.soft = bool(enabled)

    @staticmethod
    def run_functions_eagerly(run_eagerly: bool) -> None:
        """Whether `tf.function` leaves functions as they are, for debugging."""
        config._eagerly = bool(run_eagerly)

    @staticmethod
    def functions_run_eagerly() -> bool:
        """What `run_functions_eagerly` was told."""
        return config._eagerly

    experimental_run_functions_eagerly = run_functions_eagerly
    experimental_functions_run_eagerly = functions_run_eagerly
