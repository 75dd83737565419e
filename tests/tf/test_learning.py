"""tf.keras: custom training loops with the real Keras. The losses are what TensorFlow 2.21 with Keras 3.15.1 gave for
`keras_steps.py`; a process of its own runs it here, since Keras takes its backend when it is imported."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

if importlib.util.find_spec("keras") is None:
    pytest.skip("Keras is not installed", allow_module_level=True)

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src"

ADAM = [2.1944625, 2.0248659, 1.8717077, 1.7304749, 1.6017408, 1.4862883, 1.3844121, 1.2948502]
SGD = [2.1944625, 2.0282269, 1.7760558, 1.5259192, 1.3338611, 1.1977026, 1.0853182, 0.9864243]
STORED = {
    "sgd": SGD,
    "softmax": SGD,
    "softmax for logits": SGD,
    "adam": ADAM,
    "function": ADAM,
    "own class": ADAM,
    "fit": ADAM,
    "fit with a step of its own": ADAM,
    "learning rate 0": [*ADAM[:6], ADAM[5], ADAM[5]],
    "frozen layer": [2.1944625, 2.0282269, 1.8939195, 1.7817279, 1.6868892, 1.6054471, 1.5714916, 1.5414846],
    "schedule": [2.1944625, 2.0282269, 1.9317636, 1.8716784, 1.8321116, 1.8055623, 1.7874599, 1.7749592],
    "moving mean": [-0.01579706, -0.03207007],
}


def run(*arguments):
    """What Python prints, with these arguments and the face as Keras's backend."""
    paths = os.pathsep.join([str(SOURCES), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths}
    environment.pop("KERAS_BACKEND", None)
    result = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=240)
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


@pytest.fixture(scope="module")
def found():
    """What the program prints, read."""
    return json.loads(run(str(HERE / "keras_steps.py"), "wengert.tf"))


@pytest.mark.parametrize("name", STORED)
def test_losses_are_tensorflows(found, name):
    np.testing.assert_allclose(found[name], STORED[name], rtol=2e-6, atol=1e-6)


def test_random_layers_draw_anew_in_every_call(found):
    assert found["dropout"] == [True, True]


def test_public_calls_give_tensorflows_tensors(found):
    assert found["repr"] == "<tf.Tensor: shape=(), dtype=float32, n"
    assert found["types"] == ["wengert.tf.tensor"] * 3
    assert found["variable + tensor"] == "wengert.tf.tensor"
    assert (found["shape"], found["metric"]) == ([32, 5], 3)


def test_nothing_is_tracked_outside_tapes(found):
    assert not found["untracked outside tapes"]


def test_python_code_of_ones_own_layers_runs_in_every_call(found):
    assert found["calls of own layers"] == 6


def test_a_function_of_ones_own_in_kerass_loss_is_called_every_time(found):
    assert found["calls of an own loss"] == 3


def test_no_gradient_at_all_and_a_wrong_shape_are_keras_errors(found):
    missing, shape = found["wrong"]
    assert "No gradients provided for any variable" in missing
    assert "expected axis -1 of input shape to have value 20" in shape


OWN_LAYER = """
import numpy as np
import wengert.tf as tf

class Own(tf.keras.layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 4))

    def call(self, x):
        assert x.shape.as_list()[1] == 8
        return tf.matmul(x, self.w) * 2.0

tf.keras.utils.set_random_seed(0)
random = np.random.default_rng(0)
x, y = random.normal(size=(32, 8)).astype("float32"), random.normal(size=(32, 2)).astype("float32")
for data in ((x, y), (tf.data.Dataset.from_tensor_slices((x, y)).batch(16),)):
    own = Own()
    model = tf.keras.Sequential([own, tf.keras.layers.Dense(2)])
    model(x[:2])
    before = own.w.numpy()
    model.compile(optimizer="sgd", loss="mse")
    model.fit(*data, epochs=2, verbose=0)
    assert (own.w.numpy() != before).all()
"""


def test_fit_trains_the_weights_of_own_layers_from_arrays_and_data_sets():
    """Operations of the face in a layer's `call` are tracked inside Keras's loop."""
    run("-c", OWN_LAYER)


IN_TAPES = """
import numpy as np
import wengert.tf as tf

x = tf.ones([1, 3])
dense, other = tf.keras.layers.Dense(2), tf.keras.layers.Dense(2)
with tf.GradientTape() as tape:
    y = dense(x) * 1.0
assert [v.name for v in tape.watched_variables()] == ["kernel", "bias"]
with tf.GradientTape() as tape:
    y = tf.reduce_sum(dense.kernel) + other(x)
assert [v.path for v in tape.watched_variables()] == [dense.kernel.path, other.kernel.path, other.bias.path]
with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch(dense.kernel)
    y = dense(x)
kernel, bias = tape.gradient(y, dense.trainable_variables)
assert kernel.numpy().tolist() == [[1.0, 1.0]] * 3 and bias is None
assert tape.watched_variables() == (dense.kernel,)

for optimizer in (tf.keras.optimizers.SGD(0.5), tf.keras.optimizers.Adam(0.5)):
    table = tf.keras.layers.Embedding(3, 2, embeddings_initializer="ones")
    table.build((None,))
    rows = tf.IndexedSlices(tf.constant([[1.0, 1.0], [1.0, 1.0]]), tf.constant([2, 2]), tf.constant([3, 2]))
    optimizer.apply_gradients([(rows, table.embeddings)])
    assert np.allclose(table.embeddings.numpy()[:2], 1.0) and (table.embeddings.numpy()[2] < 0.51).all()

assert dense.kernel.shape.rank == 2 and dense.kernel.shape.as_list() == [3, 2]
double = tf.keras.layers.Dense(1, dtype="float64")
assert double(tf.ones([1, 1], tf.float64)).dtype is tf.float64

loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model = tf.keras.Sequential([tf.keras.layers.Dense(2)])
model.compile("sgd", loss)
for labels in ([0, 2], [0, -1]):
    for call in (lambda: loss(tf.constant(labels), tf.zeros([2, 2])).numpy(),
                 lambda: model.fit(tf.ones([2, 3]), tf.constant(labels), verbose=0)):
        try:
            call()
        except tf.errors.InvalidArgumentError as error:
            assert "out of bounds" in str(error)
        else:
            raise AssertionError(f"no error for labels {labels}")
"""


WITHOUT_CALL = """
import numpy as np
import wengert.tf as tf

class Coder(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.encode, self.decode = tf.keras.layers.Dense(2), tf.keras.layers.Dense(8)
        self.seen = tf.keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.seen]

    def train_step(self, x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self.decode(self.encode(x)) - x))
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
        self.seen.update_state(loss)
        return {"loss": self.seen.result()}

x = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
model = Coder()
model.compile(optimizer=tf.keras.optimizers.Adam(0.05))
losses = model.fit(x, epochs=8, batch_size=16, verbose=0).history["loss"]
assert losses[-1] < 0.75 * losses[0] and int(model.optimizer.iterations) == 32, losses
from keras.src.utils.dataset_utils import is_tf_dataset
assert is_tf_dataset(tf.data.Dataset.range(3)) and not is_tf_dataset([1])
"""


DATA_SETS = """
import sys
sys.modules["tensorflow"] = None
import numpy as np
import wengert.tf as tf

made = tf.keras.utils.timeseries_dataset_from_array(np.arange(6), np.arange(6), 3, batch_size=2)
assert type(made) is tf.data.Dataset
assert [(x.numpy().tolist(), y.numpy().tolist()) for x, y in made] == [([[0, 1, 2], [1, 2, 3]], [0, 1]),
                                                                       ([[2, 3, 4], [3, 4, 5]], [2, 3])]
left, right = tf.keras.utils.split_dataset(tf.data.Dataset.range(10), left_size=0.7)
assert [x.numpy() for x in right] == [7, 8, 9] and len(left) == 7
assert tf.keras.saving.register_keras_serializable

class Wrong(tf.keras.layers.Layer):
    def call(self, x):
        return tf.keras.ops.matmul(x, x)  # this line

table = tf.keras.layers.Embedding(3, 2)
model = tf.keras.Sequential([tf.keras.layers.Dense(3)])
model.compile("sgd", "sparse_categorical_crossentropy")
for call, line in (
    (lambda: Wrong()(tf.ones([2, 3])), "# this line"),
    (lambda: table(tf.constant([5])).numpy(), "table(tf"),
    (lambda: model.fit(np.ones((2, 4)), np.array([1, 7]), verbose=0), "model.fit"),
):
    try:
        call()
    except Exception as error:
        number = int(str(error).split(NAME + ":")[1].split(")")[0])
        assert line in SOURCE.splitlines()[number - 1], (number, str(error))
    else:
        raise AssertionError(line)
"""


def test_kerass_data_sets_are_ours_and_errors_name_the_programs_line(tmp_path):
    """Without TensorFlow; the lines are the program's, not Keras's or the backend's."""
    program = tmp_path / "program.py"
    program.write_text("SOURCE, NAME = open(__file__).read(), 'program.py'" + DATA_SETS)
    run(str(program))


def test_kerass_variables_in_tapes_what_optimizers_and_losses_take_and_models_without_a_call():
    """In one process, since loading Keras takes longer than they do."""
    run("-c", IN_TAPES + WITHOUT_CALL)
