"""Names that programs import from the edges of PyTorch: devices that are absent, older homes, and what is left out."""

from __future__ import annotations

import pytest

import wengert as w
from wengert import nn
from wengert.run.missing import MissingName


def test_the_imports_at_the_top_of_programs(wengert):
    source = """
        import torch, torch.nn as nn
        import torch.backends.cudnn as cudnn
        import torch.distributed as dist
        import torch.multiprocessing as mp
        import torch.utils.dlpack, torch.version
        from torch.autograd.profiler import profile, record_function
        from torch.nn.modules import Module
        from torch.nn.modules.batchnorm import _BatchNorm
        from torch.nn.modules.loss import _Loss, _WeightedLoss
        from torch.nn.modules.utils import _pair
        from torch.nn.parallel import DataParallel
        from torch.types import Number

        cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True
        assert torch.backends.cudnn.benchmark and not torch.backends.mps.is_available()
        assert not dist.is_available() and not dist.is_initialized()
        assert not torch.accelerator.is_available() and not torch.xpu.is_available()
        assert torch.cuda.max_memory_allocated() == 0 and torch.version.cuda is None
        assert Module is nn.Module and issubclass(nn.BatchNorm2d, _BatchNorm) and issubclass(nn.MSELoss, _Loss)
        assert _pair(3) == (3, 3) and isinstance(3, int) and mp.cpu_count() > 0
        assert nn.modules is nn and nn.SyncBatchNorm.convert_sync_batchnorm(nn.ReLU())
        """
    done = wengert("run", "a.py", files={"a.py": source})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sparse_coo_tensor", "sparse"),
        ("qint8", "quantised"),
        ("jit", "compile"),
        ("nested", "nested"),
        ("hub", "load"),
        ("lobpcg", "linalg.eigh"),
        ("while_loop", "a Python loop"),
        ("create_selective_checkpoint_contexts", "same gradients"),
    ],
)
def test_what_is_left_out_says_so(name, reason):
    with pytest.raises(AttributeError, match=f"leaves out.*{reason}"):
        getattr(w, name)
    assert reason in str(MissingName(name, w, "torch"))


def test_what_a_tensor_lacks():
    x = w.ones(2)
    with pytest.raises(AttributeError, match=r"'Tensor' object has no attribute 'to_sparse'.*sparse tensors"):
        x.to_sparse()
    with pytest.raises(AttributeError, match="has no attribute 'unknown'"):
        x.unknown
    assert not hasattr(x, "unknown")
    with pytest.raises(AttributeError, match=r"init_process_group.*ask distributed\.is_available"):
        w.distributed.init_process_group()
    with pytest.raises(AssertionError, match="no CUDA device"):
        w.cuda.get_device_name(0)


def test_a_model_on_several_devices_is_the_model():
    w.manual_seed(0)
    model = nn.Linear(3, 2)
    whole = nn.DataParallel(model, device_ids=[0, 1])
    x = w.randn(4, 3)
    assert w.equal(whole(x), model(x))
    assert list(whole.state_dict()) == ["module.weight", "module.bias"]
    assert w.equal(nn.parallel.data_parallel(model, x), model(x))


def test_batch_norm_over_one_process_is_batch_norm():
    x = w.randn(4, 3, 5)
    assert w.equal(nn.SyncBatchNorm(3)(x), nn.BatchNorm1d(3)(x))


def note(k, folder):
    (folder / str(k)).write_text("here")


def test_spawned_processes_are_waited_for(tmp_path):
    w.multiprocessing.spawn(note, (tmp_path,), nprocs=2, start_method="fork")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0", "1"]
    with pytest.raises(RuntimeError, match="exit code 1"):
        w.multiprocessing.spawn(note, (None,), start_method="fork")
