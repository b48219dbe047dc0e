# make setup | test | demo | lint | figures | ros-messages | clean. Everything lives in .venv; nothing is installed beside it
# except the software-GL libraries, with apt, when they are missing.
VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
# Where torch comes from when the default index offers only the GPU build, for example
# make setup TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready
MESSAGES := $(VENV)/.messages
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt
BENCHMARKS ?= $(sort $(filter-out benchmarks/peers.py benchmarks/mutation.py,$(wildcard benchmarks/*.py benchmarks/claims/*.py)))

.PHONY: setup test demo lint figures ros-messages clean help

help:
	@sed -n '1,2s/^# //p' Makefile

setup: $(READY) $(MESSAGES)

$(READY): pyproject.toml constraints.txt Makefile .ci/system .ci/browser
	@test -n "$(PYTHON)" || { echo "no python3 found; install it with: sudo apt-get install -y python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || \
		{ echo "$(PYTHON) is not Python 3.11 or 3.12; name another one: make setup PYTHON=python3.11"; exit 1; }
	@.ci/system $(PYTHON)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing torch (1 of 3)"
	@$(PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch==2.13.0
	@echo "installing robot-rl and what it needs (2 of 3)"
	@$(PIP) -e '.[ros,robosuite,formats,teleop,dev]'
	@.ci/browser $(BIN)/python .venvs/browser
	@echo "compiling the control and data kernels, once (3 of 3)"
	@$(BIN)/python -m robot_rl.apps.warm_up
	@touch $@
	@echo "ready: $(BIN)/robot-rl --help"

# The arm's action and /tf need two interface packages that no wheel has. Without a compiler all else works.
ros-messages: $(MESSAGES)

$(MESSAGES): $(READY) $(wildcard ros/build ros/*/*/*.msg ros/*/*/*.action)
	@echo "building ROS interfaces: tf2_msgs, robot_rl_msgs"
	@if ros/build $(BIN)/python; then touch $@; else echo "going on without /tf and the move action"; fi

test: setup
	$(BIN)/ruff check .
	$(BIN)/python -m pytest

demo: setup
	$(BIN)/robot-rl demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/pyright

figures: setup
	$(BIN)/python -m robot_rl.report.figures docs $(BENCHMARKS)

clean:
	rm -rf $(VENV) .venvs build
