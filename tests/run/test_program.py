"""A program runs as it would under Python: arguments, paths, tracebacks, exit codes."""

import os
import signal
import subprocess
import sys
import time

import pytest

ABOUT = """
import sys
print(__name__, __file__, __package__, sys.argv, sys.path[0])
"""


def test_a_file_is_the_main_module_with_its_own_arguments_and_folder(wengert, tmp_path):
    done = wengert("run", "deep/a.py", "--epochs", "3", "--progress", "-m", files={"deep/a.py": ABOUT})
    folder = tmp_path / "deep"
    wanted = f"__main__ {folder / 'a.py'} None ['deep/a.py', '--epochs', '3', '--progress', '-m'] {folder}\n"
    assert (done.stdout, done.stderr, done.returncode) == (wanted, "", 0)


def test_a_module_is_run_as_python_runs_it(wengert, tmp_path):
    main_file = ABOUT + "from . import part\n"
    files = {"pack/__init__.py": "", "pack/__main__.py": main_file, "pack/part.py": "import torch\n"}
    done = wengert("run", "-m", "pack", "-x", files=files)
    main = tmp_path / "pack" / "__main__.py"
    assert (done.stdout, done.stderr) == (f"__main__ {main} pack ['{main}', '-x'] {tmp_path}\n", "")


@pytest.mark.parametrize(
    ("leave", "code", "said"),
    [
        ("sys.exit()", 0, ""),
        ("sys.exit(7)", 7, ""),
        ("sys.exit('enough')", 1, "enough\n"),
        ("raise SystemExit(3)", 3, ""),
    ],
)
def test_an_exit_code_passes_through(wengert, leave, code, said):
    done = wengert("run", "a.py", files={"a.py": f"import sys\n{leave}\n"})
    assert (done.returncode, done.stderr, done.stdout) == (code, said, "")


def test_a_traceback_shows_the_program_alone(wengert):
    source = """
    def inner():
        try:
            {}["key"]
        except KeyError:
            raise ValueError("told")

    inner()
    """
    done = wengert("run", "a.py", files={"a.py": source})
    assert done.returncode == 1
    assert done.stderr.count("File ") == done.stderr.count('a.py", line') == 3
    assert done.stderr.startswith("Traceback") and done.stderr.endswith("ValueError: told\n")
    assert "KeyError: 'key'" in done.stderr


def test_an_error_inside_wengert_shows_the_users_frame_first(wengert):
    done = wengert("run", "a.py", files={"a.py": "import torch\ntorch.zeros(2) + torch.zeros(3)\n"})
    assert done.returncode == 1
    assert done.stderr.splitlines()[1].strip().startswith('File "') and 'a.py", line 2' in done.stderr.splitlines()[1]


def test_a_syntax_error_shows_its_line_and_no_frames(wengert):
    done = wengert("run", "a.py", files={"a.py": "x = (1,\n"})
    assert done.returncode == 1
    assert 'a.py", line 1' in done.stderr and "SyntaxError" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.py"], "wengert run: can't open 'nothing.py': No such file"),
        (["-m", "nothing.at.all"], "wengert run: can't find module 'nothing.at.all'"),
        ([], "which program?"),
        (["--fast", "a.py"], "--fast"),
    ],
)
def test_what_cannot_run_is_said_in_one_line(wengert, arguments, said):
    done = wengert("run", *arguments)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_control_c_ends_with_130(tmp_path):
    (tmp_path / "a.py").write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
    command = [sys.executable, "-m", "wengert", "run", str(tmp_path / "a.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.endswith("KeyboardInterrupt\n") and said.count("File ") == 1


def test_version_and_info(wengert):
    assert wengert("--version").stdout.startswith("wengert 0.")
    done = wengert("info")
    assert done.returncode == 0 and done.stderr == ""
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names == "wengert python system cpu features cores threads tier cache numpy blas switches".split()


def test_what_programs_ask_of_torch_compile(wengert):
    program = """
    import torch
    import torch._dynamo
    torch._dynamo.config.suppress_errors = True
    f = torch.compile(lambda x: x * 2 + 1, mode="reduce-overhead", backend="inductor", dynamic=False)
    print(f(torch.ones(2)).tolist(), f(torch.zeros(2)).tolist())
    torch._dynamo.reset()
    torch.compiler.reset()
    torch.compiler.cudagraph_mark_step_begin()
    print(f(torch.ones(2)).tolist(), torch.compiler.is_compiling(), torch.compiler.list_backends())
    """
    done = wengert("run", "a.py", files={"a.py": program})
    assert done.stdout == "[3.0, 3.0] [1.0, 1.0]\n[3.0, 3.0] False ['wengert']\n"
