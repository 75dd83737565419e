"""inference_mode and what says whether it is on; `no_grad` and its kin are tested with autograd."""

import threading

import wengert as torch


def test_inference_mode_nests_and_is_undone():
    x = torch.ones(2, requires_grad=True)
    assert not torch.is_inference_mode_enabled()
    with torch.inference_mode():
        assert torch.is_inference_mode_enabled() and not (x * 2).requires_grad
        with torch.inference_mode(False):
            assert not torch.is_inference_mode_enabled() and (x * 2).requires_grad
            with torch.inference_mode():
                assert torch.is_inference_mode_enabled() and not (x * 2).requires_grad
        assert torch.is_inference_mode_enabled()
    assert not torch.is_inference_mode_enabled() and (x * 2).requires_grad


def test_it_is_a_decorator():
    @torch.inference_mode()
    def with_brackets(x):
        return torch.is_inference_mode_enabled(), (x * 2).requires_grad

    @torch.inference_mode
    def without(x):
        return torch.is_inference_mode_enabled(), (x * 2).requires_grad

    x = torch.ones(2, requires_grad=True)
    assert with_brackets(x) == without(x) == (True, False)
    assert not torch.is_inference_mode_enabled()


def test_it_is_of_one_thread():
    seen = []
    with torch.inference_mode():
        thread = threading.Thread(target=lambda: seen.append(torch.is_inference_mode_enabled()))
        thread.start()
        thread.join()
    assert seen == [False]
