"""Summaries, read back by the `tensorboard` package."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import wengert

pytest.importorskip("tensorboard")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from wengert.utils.tensorboard import SummaryWriter, summary

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def read(folder):
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0, "images": 0, "tensors": 0})
    return found.Reload()


def test_scalars_come_back(tmp_path):
    with SummaryWriter(tmp_path / "run") as writer:
        for step in range(5):
            writer.add_scalar("loss", wengert.tensor(1.0 / (step + 1)), step)
        writer.add_scalars("both", {"a": 1.0, "b": np.float32(2.0)}, 3)
        writer.add_scalar("bf16", wengert.tensor(1.5, dtype=wengert.bfloat16), walltime=5.0)
        with pytest.raises(AssertionError, match="one number"):
            writer.add_scalar("loss", wengert.ones(2))
        with pytest.raises(NotImplementedError):
            writer.add_scalar("loss", "text")
    found = read(tmp_path / "run")
    assert [(e.step, e.value) for e in found.Scalars("loss")] == [(k, pytest.approx(1 / (k + 1))) for k in range(5)]
    assert found.Scalars("bf16")[0].value == 1.5 and found.Scalars("bf16")[0].wall_time == 5.0
    assert read(tmp_path / "run" / "both_a").Scalars("both")[0].value == 1.0
    assert read(tmp_path / "run" / "both_b").Scalars("both")[0].step == 3


def test_histograms_count_every_value(tmp_path):
    values = np.random.default_rng(0).normal(size=1000)
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("w", wengert.tensor(values), 1)
        writer.add_histogram("few", values, 1, bins=np.linspace(-5, 5, 33), max_bins=8)
        writer.add_histogram_raw("raw", 0, 2, 3, 3, 5, [1.0, 2.0], [1, 2], 7)
        with pytest.raises(ValueError, match="no element"):
            writer.add_histogram("none", wengert.zeros(0))
        with pytest.raises(ValueError):
            writer.add_histogram_raw("raw", 0, 2, 3, 3, 5, [1.0], [1, 2])
    found = read(tmp_path)
    shown = found.Histograms("w")[0].histogram_value
    assert shown.num == 1000 and sum(shown.bucket) == 1000
    assert (shown.min, shown.max) == (values.min(), values.max())
    assert shown.sum == pytest.approx(values.sum()) and shown.sum_squares == pytest.approx((values**2).sum())
    few = found.Histograms("few")[0].histogram_value
    assert sum(few.bucket) == 1000 and len(few.bucket) <= 9
    assert found.Histograms("raw")[0].histogram_value.bucket == [1, 2]


def test_pictures_come_back(tmp_path):
    image_module = pytest.importorskip("PIL.Image")
    import io

    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 7)).astype(np.uint8)
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("one", wengert.tensor(pixels))
        writer.add_image("gray", pixels[0] / 255.0, dataformats="HW")
        writer.add_images("many", np.stack([pixels] * 3))
        with pytest.raises(AssertionError, match="input format"):
            writer.add_image("wrong", pixels[0])
    found = read(tmp_path)

    def back(tag):
        return np.asarray(image_module.open(io.BytesIO(found.Images(tag)[0].encoded_image_string)))

    np.testing.assert_array_equal(back("one"), pixels.transpose(1, 2, 0))
    np.testing.assert_allclose(back("gray"), pixels[0], atol=1)
    np.testing.assert_array_equal(back("many")[:, 7:14], pixels.transpose(1, 2, 0))


def test_text_curves_and_choices(tmp_path):
    labels, predictions = np.array([0, 1, 1, 0, 1]), np.array([0.1, 0.9, 0.6, 0.4, 0.3])
    with SummaryWriter(tmp_path) as writer:
        writer.add_text("note", "*hello*", 2)
        writer.add_pr_curve("pr", labels, predictions, 1, num_thresholds=11)
        writer.add_hparams({"lr": 0.1, "name": "a", "deep": True}, {"accuracy": wengert.tensor(0.75)}, run_name="trial")
        with pytest.raises(TypeError):
            writer.add_hparams([], {})
    found = read(tmp_path)
    assert found.Tensors("note/text_summary")[0].tensor_proto.string_val[0] == b"*hello*"
    data = np.array(found.Tensors("pr")[0].tensor_proto.float_val).reshape(6, 11)
    assert data[0, 0] == 3 and data[1, 0] == 2  # threshold 0: everything is called positive
    assert data[4, 5] == pytest.approx(1.0) and data[5, 5] == pytest.approx(2 / 3)  # threshold 0.5
    assert read(tmp_path / "trial").Scalars("accuracy")[0].value == 0.75


def test_the_same_numbers_as_pytorchs_writer(tmp_path):
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.utils.tensorboard import SummaryWriter as Theirs
    values = np.random.default_rng(1).normal(size=500).astype(np.float32)
    labels, predictions = np.random.default_rng(2).integers(0, 2, 50), np.random.default_rng(3).uniform(size=50)
    for writer, folder in ((SummaryWriter, "mine"), (Theirs, "theirs")):
        with writer(str(tmp_path / folder)) as out:
            out.add_histogram("w", torch.tensor(values) if folder == "theirs" else wengert.tensor(values), 1)
            out.add_pr_curve("pr", labels, predictions, 1)
    mine, theirs = read(tmp_path / "mine"), read(tmp_path / "theirs")
    a, b = mine.Histograms("w")[0].histogram_value, theirs.Histograms("w")[0].histogram_value
    np.testing.assert_allclose(np.trim_zeros(a.bucket), np.trim_zeros(b.bucket))
    c, d = (x.Tensors("pr")[0].tensor_proto.float_val for x in (mine, theirs))
    np.testing.assert_allclose(c, d, rtol=1e-6)


def test_writing_goes_on_after_closing(tmp_path):
    writer = SummaryWriter(tmp_path, purge_step=3)
    writer.add_scalar("a", 1.0, 4)
    writer.flush()
    assert read(tmp_path).Scalars("a")[0].value == 1.0
    writer.close()
    writer.add_scalar("b", 2.0)
    writer.close()
    assert writer.get_logdir() == str(tmp_path)
    assert len(list(tmp_path.glob("events*"))) >= 1
    assert summary.png(np.zeros((1, 1, 1), np.uint8)).startswith(b"\x89PNG")
