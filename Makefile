# Everything a person or a CI machine does here. `make` alone prints this list.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
COMMA := ,
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

# What Debian 12 / Raspberry Pi OS must bring; the rest comes from wheels.
# dbus-daemon: the demo's radio world is BlueZ's own D-Bus interface on a private bus
DEMO_PACKAGES := python3-venv mosquitto libzbar0 dbus-daemon
# evdev has no aarch64 wheel: a compiler and the headers build it
# dnsmasq, nftables, udhcpc, hostapd: guests of a Wi-Fi in network namespaces
TEST_PACKAGES := $(DEMO_PACKAGES) chromium dnsmasq-base nftables iproute2 udhcpc hostapd curl iperf3 openssl dbus \
  opencv-doc gcc python3-dev libc6-dev
SOAK_PACKAGES := $(TEST_PACKAGES) fuse libfuse2

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# need PACKAGES: installs what is missing, with one clear line when it may not.
define need
	@missing=""; \
	if ! command -v dpkg-query >/dev/null; then \
	  echo "This is no Debian: make sure you have the counterparts of: $(1)"; exit 0; fi; \
	for package in $(1); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; done; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" = 0 ]; then run=""; \
	elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then run="sudo"; \
	else echo "Needs Debian packages and may not install them. Run: sudo apt-get install -y --no-install-recommends$$missing"; exit 1; fi; \
	echo "Installing Debian packages:$$missing"; \
	$$run apt-get update -qq; \
	DEBIAN_FRONTEND=noninteractive $$run apt-get install -y -qq --no-install-recommends$$missing >/dev/null
endef

# venv EXTRAS: the virtual environment with this checkout in it.
define venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.11"; exit 1; }
	@[ -x $(BIN)/python ] || { echo "Making the virtual environment $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing Python packages: storegate[$(1)]"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(1)]'
	@touch $@
endef

$(VENV)/.demo: setup.cfg pyproject.toml
	$(call need,$(DEMO_PACKAGES))
	$(call venv,camera$(COMMA)ble)

$(VENV)/.dev: setup.cfg pyproject.toml
	$(call need,$(TEST_PACKAGES))
	$(call venv,$(strip all,dev))
	@touch $(VENV)/.demo

.PHONY: setup
setup: $(VENV)/.dev ## everything for working on storegate

.PHONY: demo
demo: $(VENV)/.demo ## a shop at work on this machine; ARGS='--seconds 40 --speed 600' ends by itself
	@$(BIN)/storegate demo $(ARGS)

.PHONY: test
test: $(VENV)/.dev ## all tests but the long ones; ARGS are pytest's
	$(BIN)/python -m pytest -q -n 2 --dist worksteal $(ARGS)

.PHONY: check
check: $(VENV)/.dev ## style, types, import contracts, documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_docs.py tests/test_house.py

.PHONY: bench
bench: $(VENV)/.dev ## figures side by side with the alternatives, as a table and out/bench.json
	$(BIN)/python -m bench $(ARGS)

.PHONY: soak
soak: $(VENV)/.dev ## kill -9 and power cuts, long; needs root for the power cuts
	$(call need,$(SOAK_PACKAGES))
	$(BIN)/python -m pytest -q -m soak -o addopts= --import-mode=importlib tests/soak $(ARGS)

.PHONY: vm
vm: $(VENV)/.dev ## the drivers against a real kernel, in a virtual machine
	tests/vm/check $(ARGS)

.PHONY: install
install: ## this machine becomes a gateway: /opt/storegate, units, udev rules (as root)
	@[ "$$(id -u)" = 0 ] || { echo "Needs root. Run: sudo make install"; exit 1; }
	$(call need,$(DEMO_PACKAGES) bluez gcc python3-dev libc6-dev)
	@systemd/install
