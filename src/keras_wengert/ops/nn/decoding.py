"""Decoding of connectionist temporal classification."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

import wengert as w
from keras_wengert.ops.common import cast, convert_to_tensor, dtypes


def ctc_decode(
    inputs: Any, sequence_lengths: Any, strategy: str = "greedy", beam_width: int = 100, top_paths: int = 1,
    merge_repeated: bool = True, mask_index: int = 0,
) -> Any:  # fmt: skip
    """The likeliest label sequences of logits (batch, time, classes), padded with -1, and their scores.

    "greedy" takes the likeliest class at each time; "beam_search" keeps the likeliest `beam_width` prefixes.
    Source: A. Graves et al., Connectionist temporal classification (2006); A. Hannun et al., First-pass large vocabulary
    continuous speech recognition using bi-directional recurrent DNNs (2014).
    Raises: ValueError for another strategy.
    """
    logits = convert_to_tensor(inputs)
    logits = cast(logits, dtypes.result_type(logits.dtype.name, "float32"))
    lengths = cast(sequence_lengths, "int32")
    if strategy == "greedy":
        return _greedy(logits, lengths, merge_repeated, mask_index)
    if strategy == "beam_search":
        return _beams(logits, lengths, beam_width, top_paths, mask_index)
    raise ValueError(f"Invalid strategy {strategy}. Supported values are 'greedy' and 'beam_search'.")


def _greedy(logits: Any, lengths: Any, merge_repeated: bool, blank: int) -> Any:
    batch, time, classes = logits.shape
    blank = blank % classes
    best, label = w.max(logits, -1)
    inside = w.arange(time)[None, :] < lengths[:, None]
    score = -w.where(inside, best, w.zeros_like(best)).sum(-1, keepdim=True)
    label = w.where(inside, label, blank)
    kept = label != blank
    if merge_repeated:
        repeated = w.cat([w.zeros((batch, 1), dtype=w.bool), label[:, 1:] == label[:, :-1]], 1)
        kept = kept & ~repeated
    # Those that are kept move to the front: a stable sort by whether they are.
    order = w.argsort((~kept).to(w.int32), dim=1, stable=True)
    moved = w.gather(w.where(kept, label, -1), 1, order)
    return cast(moved[None], "int32"), score


def _beams(logits: Any, lengths: Any, width: int, paths: int, blank: int) -> Any:
    logs = w.log_softmax(logits, -1).detach().numpy().astype(np.float64)
    batch, time, classes = logs.shape
    decoded = np.full((paths, batch, time), -1, np.int32)
    scores = np.full((batch, paths), -np.inf, np.float64)
    for row in range(batch):
        found = _prefixes(logs[row, : int(lengths[row].item())], width, blank % classes)
        for place, (prefix, score) in enumerate(found[:paths]):
            decoded[place, row, : len(prefix)] = prefix
            scores[row, place] = score
    return convert_to_tensor(decoded), cast(convert_to_tensor(scores), logits.dtype.name)


def _prefixes(logs: Any, width: int, blank: int) -> list[Any]:
    """Prefixes and their log-probabilities, likeliest first. For each prefix: (ends in blank, ends in its last label)."""
    nothing = -np.inf
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, nothing)}
    for row in logs:
        grown: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [nothing, nothing])
        for prefix, (in_blank, in_label) in beams.items():
            total = np.logaddexp(in_blank, in_label)
            here = grown[prefix]
            here[0] = np.logaddexp(here[0], total + row[blank])
            if prefix:
                here[1] = np.logaddexp(here[1], in_label + row[prefix[-1]])
            for label in range(len(row)):
                if label != blank:
                    start = in_blank if prefix and label == prefix[-1] else total
                    longer = grown[(*prefix, label)]
                    longer[1] = np.logaddexp(longer[1], start + row[label])
        ranked = sorted(grown.items(), key=lambda item: -np.logaddexp(*item[1]))[:width]
        beams = {prefix: (ends[0], ends[1]) for prefix, ends in ranked}
    return sorted(((p, float(np.logaddexp(*ends))) for p, ends in beams.items()), key=lambda item: -item[1])
