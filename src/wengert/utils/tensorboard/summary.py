"""What TensorBoard shows, as its protocol buffers: one function for each kind of summary."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any, Optional

import numpy as np
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.plugins.pr_curve.plugin_data_pb2 import PrCurvePluginData
from tensorboard.plugins.text.plugin_data_pb2 import TextPluginData

from wengert.tensors.tensor import Tensor


def as_array(value: Any) -> Any:
    """A tensor, number, list or array as an array.

    Raises: NotImplementedError for something else.
    """
    if isinstance(value, Tensor):
        found = np.array(value.detach()._array())
        return found.astype(np.float32) if found.dtype.kind == "V" else found
    if isinstance(value, (bool, int, float, complex, list, tuple, np.ndarray, np.generic)):
        return np.asarray(value)
    raise NotImplementedError(f"Got {type(value)}, but numpy array or torch tensor are expected.")


def scalar(tag: str, value: Any) -> Any:
    """One number. Raises: AssertionError when it is more."""
    number = as_array(value)
    if number.size != 1:
        raise AssertionError(f"add_scalar: expected one number, but got an array of shape {number.shape}")
    return Summary(value=[Summary.Value(tag=tag, simple_value=float(number.reshape(())))])


def histogram(tag: str, values: Any, bins: Any, max_bins: Optional[int]) -> Any:
    """How values are distributed. Raises: ValueError when there are none."""
    values = as_array(values).reshape(-1)
    if values.size == 0:
        raise ValueError("The input has no element.")
    values = values.astype(np.float64)
    counts, limits = np.histogram(values, bins=_default_limits() if isinstance(bins, str) and bins == "tensorflow" else bins)
    if max_bins is not None and len(counts) > max_bins:
        step = len(counts) // max_bins
        padded = np.concatenate([counts, np.zeros(-len(counts) % step, counts.dtype)])
        counts, limits = padded.reshape(-1, step).sum(1), np.append(limits[:-1:step], limits[-1])
    filled = np.flatnonzero(counts)
    if filled.size == 0:
        raise ValueError("The histogram is empty: no value lies in its bins (are they NaN or infinite?)")
    first, last = filled[0], filled[-1] + 1
    counts, limits = counts[first:last], limits[first : last + 1]
    return histogram_raw(
        tag, values.min(), values.max(), len(values), values.sum(), values.dot(values), limits[1:], counts, limits[0]
    )


def histogram_raw(
    tag: str, low: Any, high: Any, num: Any, total: Any, squares: Any, limits: Any, counts: Any, start: Any = None
) -> Any:
    """A histogram that is counted already. `limits` are the right ends of the bins."""
    limits, counts = list(map(float, limits)), list(map(float, counts))
    if start is not None:  # the left end of the first bin: an empty bin before it
        limits, counts = [float(start), *limits], [0.0, *counts]
    proto = HistogramProto(
        min=float(low), max=float(high), num=float(num), sum=float(total), sum_squares=float(squares),
        bucket_limit=limits, bucket=counts,
    )  # fmt: skip
    return Summary(value=[Summary.Value(tag=tag, histo=proto)])


def _default_limits() -> Any:
    """Limits that grow by a tenth, to both sides of 0."""
    positive = 1e-12 * 1.1 ** np.arange(int(np.log(1e32) / np.log(1.1)) + 1)
    return np.concatenate([-positive[::-1], [0.0], positive])


def image(tag: str, pixels: Any, dataformats: str) -> Any:
    """A picture, or a batch of them side by side. Floats are from 0 to 1, integers from 0 to 255.

    Raises: AssertionError for letters that do not say what each dimension is.
    """
    array = _as_pixels(as_array(pixels), dataformats)
    if array.dtype.kind == "f":
        array = array * 255.0
    array = np.clip(array, 0, 255).astype(np.uint8)
    height, width, channels = array.shape
    proto = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=png(array))
    return Summary(value=[Summary.Value(tag=tag, image=proto)])


def _as_pixels(array: Any, dataformats: str) -> Any:
    """(height, width, channels); a batch as a grid."""
    letters = dataformats.upper()
    if len(set(letters)) != len(letters) or not set("HW") <= set(letters) <= set("NCHW") or len(letters) != array.ndim:
        raise AssertionError(
            "size of input tensor and input format are different. "
            f"tensor shape: {array.shape}, input_format: {dataformats}"
        )
    for letter in "NC":
        if letter not in letters:
            array, letters = array[None], letter + letters
    array = array.transpose([letters.index(letter) for letter in "NHWC"])
    count, height, width, channels = array.shape
    columns = int(np.ceil(np.sqrt(min(count, 64)))) if count > 1 else 1
    columns = min(count, 8) if count > 1 else columns
    rows = -(-count // columns)
    grid = np.zeros((rows * height, columns * width, channels), array.dtype)
    for at in range(count):
        row, column = divmod(at, columns)
        grid[row * height : (row + 1) * height, column * width : (column + 1) * width] = array[at]
    return grid


def png(array: Any) -> bytes:
    """Pixels as a PNG file (ISO/IEC 15948): gray, gray with opacity, colours, colours with opacity.

    Raises: AssertionError for another number of channels.
    """
    height, width, channels = array.shape
    kinds = {1: 0, 2: 4, 3: 2, 4: 6}
    if channels not in kinds:
        raise AssertionError(f"a picture has 1 to 4 channels, not {channels}")
    rows = np.concatenate([np.zeros((height, 1), np.uint8), array.reshape(height, -1)], axis=1)  # no filter

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, kinds[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes())) + chunk(b"IEND", b"")


def figure_pixels(figures: Any, close: bool) -> tuple[Any, str]:
    """One or several figures of matplotlib as pixels, and their dimensions."""
    several = isinstance(figures, (list, tuple))
    pictures = []
    for one in figures if several else [figures]:
        buffer = io.BytesIO()
        one.savefig(buffer, format="rgba", dpi=one.dpi)
        width, height = one.canvas.get_width_height(physical=True)
        pictures.append(np.frombuffer(buffer.getvalue(), np.uint8).reshape(height, width, 4)[..., :3])
        if close:
            from matplotlib import pyplot  # optional: only whoever made a figure has it

            pyplot.close(one)
    return (np.stack(pictures), "NHWC") if several else (pictures[0], "HWC")


def text(tag: str, words: str) -> Any:
    """Markdown."""
    metadata = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name="text", content=TextPluginData(version=0).SerializeToString())
    )
    return for_plugin(f"{tag}/text_summary", words, metadata)


def for_plugin(tag: str, words: str, metadata: Any) -> Any:
    """Text for the plugin that the metadata name."""
    tensor = TensorProto(
        dtype="DT_STRING", string_val=[words.encode()], tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    )
    return Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=tensor)])


def pr_curve(tag: str, labels: Any, predictions: Any, thresholds: int, weights: Any) -> Any:
    """Precision and recall of predictions in [0, 1] of labels 0 and 1, at evenly spaced thresholds."""
    thresholds = min(thresholds, 127)
    labels, predictions = as_array(labels).reshape(-1), as_array(predictions).reshape(-1).astype(np.float64)
    weights = 1.0 if weights is None else as_array(weights).reshape(-1)
    places = np.floor(predictions * (thresholds - 1)).astype(np.int64)
    true = labels.astype(np.float64) * weights
    false = weights - true
    tp, fp = (np.bincount(places, np.broadcast_to(w, places.shape), thresholds)[::-1].cumsum()[::-1] for w in (true, false))
    tn, fn = fp[0] - fp, tp[0] - tp
    precision, recall = tp / np.maximum(1e-7, tp + fp), tp / np.maximum(1e-7, tp + fn)
    data = np.stack([tp, fp, tn, fn, precision, recall])
    content = PrCurvePluginData(version=0, num_thresholds=thresholds).SerializeToString()
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="pr_curves", content=content))
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=n) for n in data.shape])
    tensor = TensorProto(dtype="DT_FLOAT", float_val=data.reshape(-1).tolist(), tensor_shape=shape)
    return Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=tensor)])
