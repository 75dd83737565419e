"""The writer: summaries with their step and time, into event files of a run's folder."""

from __future__ import annotations

import os
import socket
import time
from typing import Any, Optional

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.plugins.hparams import summary_v2 as hparams
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from wengert.utils.tensorboard import summary


class SummaryWriter:
    """Writes what `tensorboard --logdir runs` shows.

    log_dir: the run's folder; by default runs/<date>_<host><comment>. purge_step: on going on after a crash, steps from
    this one on are hidden. max_queue, flush_secs: how much and how long is kept in memory. filename_suffix: of the files.

    A context manager: it is closed at the end.
    """

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: Optional[int] = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        if not log_dir:
            log_dir = os.path.join("runs", f"{time.strftime('%b%d_%H-%M-%S')}_{socket.gethostname()}{comment}")
        self.log_dir = os.fspath(log_dir)
        self.purge_step, self.max_queue, self.flush_secs = purge_step, max_queue, flush_secs
        self.filename_suffix = filename_suffix
        self._file: Optional[EventFileWriter] = None
        self._folders: dict[str, SummaryWriter] = {}
        self._open()

    def _open(self) -> EventFileWriter:
        if self._file is None:
            self._file = EventFileWriter(self.log_dir, self.max_queue, self.flush_secs, self.filename_suffix)
            if self.purge_step is not None:
                log = SessionLog(status=SessionLog.START)
                self._file.add_event(Event(wall_time=time.time(), step=self.purge_step, session_log=log))
                self.purge_step = None
        return self._file

    def get_logdir(self) -> str:
        """The run's folder."""
        return self.log_dir

    def _add(self, shown: Any, step: Optional[int], walltime: Optional[float]) -> None:
        event = Event(wall_time=time.time() if walltime is None else walltime, summary=shown)
        if step is not None:
            event.step = int(step)
        self._open().add_event(event)

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: Optional[int] = None,
        walltime: Optional[float] = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """One number of a curve. Raises: AssertionError when it is more than one."""
        self._add(summary.scalar(tag, scalar_value), global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: dict[str, Any],
        global_step: Optional[int] = None,
        walltime: Optional[float] = None,
    ) -> None:
        """Numbers of several curves in one picture: each curve is a run of its own beside this one."""
        for tag, value in tag_scalar_dict.items():
            folder = os.path.join(self.log_dir, f"{main_tag.replace('/', '_')}_{tag}")
            if folder not in self._folders:
                self._folders[folder] = SummaryWriter(folder, "", None, self.max_queue, self.flush_secs, self.filename_suffix)
            self._folders[folder].add_scalar(main_tag, value, global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: Optional[int] = None,
        bins: Any = "tensorflow",
        walltime: Optional[float] = None,
        max_bins: Optional[int] = None,
    ) -> None:
        """How values are distributed. bins: as of `numpy.histogram`. Raises: ValueError when there are no values."""
        self._add(summary.histogram(tag, values, bins, max_bins), global_step, walltime)

    def add_histogram_raw(
        self,
        tag: str,
        min: Any,
        max: Any,
        num: Any,
        sum: Any,
        sum_squares: Any,
        bucket_limits: Any,
        bucket_counts: Any,
        global_step: Optional[int] = None,
        walltime: Optional[float] = None,
    ) -> None:
        """A histogram that is counted already. Raises: ValueError when limits and counts differ in number."""
        if len(bucket_limits) != len(bucket_counts):
            raise ValueError("len(bucket_limits) != len(bucket_counts), see the document.")
        shown = summary.histogram_raw(tag, min, max, num, sum, sum_squares, bucket_limits, bucket_counts)
        self._add(shown, global_step, walltime)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Optional[int] = None,
        walltime: Optional[float] = None,
        dataformats: str = "CHW",
    ) -> None:
        """A picture: floats from 0 to 1, or integers from 0 to 255. Raises: AssertionError for other dimensions."""
        self._add(summary.image(tag, img_tensor, dataformats), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Optional[int] = None,
        walltime: Optional[float] = None,
        dataformats: str = "NCHW",
    ) -> None:
        """A batch of pictures, as a grid."""
        self._add(summary.image(tag, img_tensor, dataformats), global_step, walltime)

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: Optional[int] = None,
        close: bool = True,
        walltime: Optional[float] = None,
    ) -> None:
        """A figure of matplotlib, or several; closed afterwards."""
        pixels, dimensions = summary.figure_pixels(figure, close)
        self._add(summary.image(tag, pixels, dimensions), global_step, walltime)

    def add_text(
        self, tag: str, text_string: str, global_step: Optional[int] = None, walltime: Optional[float] = None
    ) -> None:
        """Text in Markdown."""
        self._add(summary.text(tag, text_string), global_step, walltime)

    def add_pr_curve(
        self,
        tag: str,
        labels: Any,
        predictions: Any,
        global_step: Optional[int] = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: Optional[float] = None,
    ) -> None:
        """Precision and recall of predictions in [0, 1], of labels 0 and 1."""
        self._add(summary.pr_curve(tag, labels, predictions, num_thresholds, weights), global_step, walltime)

    def add_hparams(
        self,
        hparam_dict: dict[str, Any],
        metric_dict: dict[str, Any],
        hparam_domain_discrete: Optional[dict[str, list[Any]]] = None,
        run_name: Optional[str] = None,
        global_step: Optional[int] = None,
    ) -> None:
        """The choices of a run, and what came of them; compared in the page "HPARAMS".

        Raises: TypeError unless both are dicts.
        """
        if not isinstance(hparam_dict, dict) or not isinstance(metric_dict, dict):
            raise TypeError("hparam_dict and metric_dict should be dictionary.")
        domains = hparam_domain_discrete or {}
        chosen = {
            hparams.HParam(name, hparams.Discrete(domains[name]) if name in domains else None): _plain(value)
            for name, value in hparam_dict.items()
        }
        run = os.path.join(self.log_dir, run_name or str(time.time()))
        with SummaryWriter(run) as writer:
            metrics = [hparams.Metric(name) for name in metric_dict]
            writer._add(hparams.hparams_config_pb(list(chosen), metrics), None, None)
            writer._add(hparams.hparams_pb(chosen, trial_id=run), None, None)
            for name, value in metric_dict.items():
                writer.add_scalar(name, value, global_step)

    def flush(self) -> None:
        """Write out what is in memory."""
        for writer in (self, *self._folders.values()):
            if writer._file is not None:
                writer._file.flush()

    def close(self) -> None:
        """Write out and close the files; a later summary begins a new one."""
        for writer in (self, *self._folders.values()):
            if writer._file is not None:
                writer._file.flush()
                writer._file.close()
                writer._file = None
        self._folders.clear()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()


def _plain(value: Any) -> Any:
    """A choice as a number, a bool or text."""
    return value if isinstance(value, (bool, int, float, str)) else summary.as_array(value).item()
