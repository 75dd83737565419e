"""What holds for every test."""

from __future__ import annotations

import signal

# A suite that is started in the background inherits that Ctrl-C is ignored, and so would the programs that tests start
# and stop with it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Programs that tests run in processes of their own: importing one, to look for examples in it, would run it.
collect_ignore_glob = [
    "programs/same_draws/*.py", "programs/ordinary/*.py", "programs/tensorflow/*.py", "keras_wengert/fits.py",
    "tf/keras_steps.py", "tf/guides.py",
]  # fmt: skip
