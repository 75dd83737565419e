"""All programs of this folder, one after another in one process; what each prints last, by name, as JSON."""

import contextlib
import io
import json
import runpy
import sys
from pathlib import Path

import tensorflow as tf

found = {}
for path in sorted(Path(__file__).parent.glob("*.py")):
    if path.name != Path(__file__).name and (len(sys.argv) < 2 or path.stem in sys.argv[1:]):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            runpy.run_path(str(path), run_name="__main__")
        found[path.stem] = json.loads(printed.getvalue().splitlines()[-1])
        tf.keras.backend.clear_session()
print(json.dumps(found))
