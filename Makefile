# Everything a fresh machine needs: Python 3.10 or newer, and make.
#
#   make demo     create .venv, install, train the article's network on MNIST under `wengert run`: its PyTorch program and
#                 its TensorFlow program
#   make test     the same environment with the test extra; the whole suite
#   make lint     style (ruff)
#   make types    annotations (mypy, strict for layers 0 to 8)
#   make size     lines per layer
#   make clean    remove the environment and the caches
#
# PYTHON=python3.12     the interpreter that .venv is made from
# WORKERS=4             processes that share the test suite
# PEERS="torch"         packages to install next to wengert as oracles (tests that need one skip without it)

PYTHON  ?= python3
WORKERS ?= 2
PEERS   ?=
ARGS    ?=

VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet

# A stamp says which extra is installed for which state of pyproject.toml, so that a second run costs nothing.
HAS_RUN   := $(VENV)/.has-run
HAS_KERAS := $(VENV)/.has-keras
HAS_TEST  := $(VENV)/.has-test
HAS_PEERS := $(if $(strip $(PEERS)),$(VENV)/.has-peers-$(subst $() $(),+,$(subst /,-,$(strip $(PEERS)))))

.PHONY: demo test lint types size clean
.DELETE_ON_ERROR:

demo: $(HAS_RUN) $(HAS_KERAS)
	$(BIN)/wengert run --progress examples/article_pytorch.py
	$(BIN)/wengert run --progress examples/article_tensorflow.py

test: $(HAS_TEST) $(HAS_PEERS)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

lint: $(HAS_TEST)
	$(BIN)/ruff check .

types: $(HAS_TEST)
	$(BIN)/mypy

size: $(HAS_TEST)
	@$(BIN)/python -m tests.size

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "wengert needs Python 3.10 or newer; choose one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "creating $(VENV) from $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "this Python can't create environments; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(HAS_RUN): pyproject.toml | $(BIN)/python
	@echo "installing wengert"
	@$(PIP) --editable .
	@touch $@

$(HAS_KERAS): pyproject.toml | $(BIN)/python
	@echo "installing Keras"
	@$(PIP) --editable '.[tf]'
	@touch $@ $(HAS_RUN)

$(HAS_TEST): pyproject.toml | $(BIN)/python
	@echo "installing wengert with the test extra"
	@$(PIP) --editable '.[test]'
	@touch $@ $(HAS_RUN)

ifneq ($(HAS_PEERS),)
$(HAS_PEERS): | $(HAS_TEST)
	@echo "installing peers: $(PEERS)"
	@$(PIP) $(PEERS)
	@touch $@
endif
