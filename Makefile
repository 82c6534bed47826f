# SPDX-License-Identifier: Apache-2.0
# Makefile - builds, checks and measures bulkhead. `make help` lists what there is.
#
# Non-recursive and without a configure step. Sources are found by folder, so adding a file needs no
# edit here; only a new module does (its line under "Arrows", which hack/lint.py checks against).
# Objects land in build/obj/<config>/:
#   release  -O2 and hardened; what is installed, simulated at length and measured
#   fast     without hardening, optimized as one program: build/sim-fast, for millions of worlds
#   check    ASan and UBSan; what the tests run. With SANITIZE=none without them, for valgrind
#   fuzz     the same with libFuzzer, and coverage: the core counts what of it is reached
# Asserts stay on in all. CC=clang and another SANITIZE build beside the usual, not over it.

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-builtin-variables

ifneq (,$(filter default undefined,$(origin CC))$(if $(CC),,empty))
CC := gcc
endif
ifneq (,$(filter default undefined,$(origin AR)))
AR := ar
endif
PYTHON ?= /usr/bin/python3
PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

# One goal: use every core. Several goals run in the order given, each using every core inside.
ifeq (,$(filter -j% --jobserver%,$(MAKEFLAGS)))
ifneq (,$(word 2,$(MAKECMDGOALS)))
.NOTPARALLEL:
else
MAKEFLAGS += -j$(JOBS)
endif
endif

.PHONY: all
all: build/bulkhead-controller build/bulkhead-replay $(if $(wildcard src/cli/*.c),build/kubectl-bulkhead) ## Build the programs into build/

# --- Arrows: what each module may include and is linked with -----------------------------------
# Empty modules are skipped. The same table, with the reasons, is in hack/lint.py.
LINK_base :=
LINK_json := base
LINK_api := json base
LINK_kube := json base
LINK_aws := json base
LINK_core := api json base
LINK_nodes := kube aws api json base
LINK_serve := api json base
LINK_history := api json base
LINK_record := core api json base
LINK_day := record core api json base
LINK_replay := day record core api json base
LINK_cli := core kube api json base

MODULES := $(sort $(foreach file,$(wildcard src/*/*.c),$(word 2,$(subst /, ,$(file)))))
PLAIN_MODULES := $(filter-out cli,$(MODULES))
sources = $(filter-out %/main.c,$(wildcard src/$(1)/*.c))

# --- Flags -------------------------------------------------------------------------------------
# What asks the compiler or pkg-config is expanded when the first recipe needs it, and once: make
# can read this file on a machine where neither is there yet, and deps install them meanwhile.
once = $(eval $(1) := $(2))$($(1))
cc-option = $(shell $(CC) -Werror $(1) -O2 -x c -include stdlib.h -c /dev/null -o /dev/null 2>/dev/null && echo "$(1)")
cc-first = $(or $(call cc-option,$(1)),$(call cc-option,$(2)))

PACKAGES := libcurl json-c yaml-0.1 libwebsockets libuv openssl sqlite3 zlib
pkg = $(shell pkg-config $(1) $(PACKAGES) || echo "-Dpkg_config_failed")
PKG_CFLAGS = $(call once,PKG_CFLAGS,$(call pkg,--cflags))
PKG_LIBS = $(call once,PKG_LIBS,$(call pkg,--libs))

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Wstrict-prototypes \
    -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wwrite-strings \
    -Wvla -Wundef -Wformat=2 -Wnull-dereference -Wimplicit-fallthrough \
    $(if $(findstring clang,$(CC)),-Wno-gnu-zero-variadic-macro-arguments)
CPPFLAGS_ALL = -D_GNU_SOURCE -Iinclude $(PKG_CFLAGS) $(CPPFLAGS)
COMMON := -std=gnu17 -g $(WARNINGS)

HARDEN = $(call once,HARDEN,$(call cc-first,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) \
    $(call cc-option,-fstack-protector-strong) $(call cc-option,-fstack-clash-protection) \
    $(call cc-option,-fcf-protection) $(call cc-option,-ftrivial-auto-var-init=zero) \
    -fno-strict-aliasing -fno-delete-null-pointer-checks)
CFLAGS_release = $(COMMON) -O2 -fPIE $(HARDEN) $(CFLAGS)
LDFLAGS_release = -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed $(LDFLAGS)

# What `make sim FAST=1` runs. Linking takes half a minute of CPU: not for each change.
CFLAGS_fast = $(COMMON) -O2 -flto=auto -fno-plt -fno-strict-aliasing -fno-delete-null-pointer-checks $(CFLAGS)
LDFLAGS_fast = -Wl,-z,now -Wl,--as-needed $(LDFLAGS)

SANITIZE ?= address,undefined
SANITIZERS := $(if $(filter none,$(SANITIZE)),,-fsanitize=$(SANITIZE) -fno-sanitize-recover=all)
CFLAGS_check = $(COMMON) -O1 -fno-omit-frame-pointer $(SANITIZERS) $(CFLAGS)
LDFLAGS_check = $(SANITIZERS) -Wl,--as-needed $(LDFLAGS)

# What `make fuzz` runs: the same sanitizers, and libFuzzer, which comes with clang.
CFLAGS_fuzz = $(COMMON) -O1 -fno-omit-frame-pointer $(SANITIZERS) -fsanitize=fuzzer-no-link $(CFLAGS)
LDFLAGS_fuzz = $(SANITIZERS) -fsanitize=fuzzer -Wl,--as-needed $(LDFLAGS)

# What `make coverage` runs: the core counts which of its lines and branches are reached.
CFLAGS_coverage = $(COMMON) -O1 --coverage $(CFLAGS)
LDFLAGS_coverage = --coverage -Wl,--as-needed $(LDFLAGS)

# -Wnull-dereference and sanitizers together give false alarms in gcc.
CFLAGS_check += -Wno-null-dereference

# --- Objects and one library per module --------------------------------------------------------
comma := ,
sanitized := $(subst $(comma),-,$(SANITIZE))
suffix := $(if $(filter gcc cc,$(notdir $(CC))),,-$(notdir $(CC)))$(if $(filter address-undefined,$(sanitized)),,-$(sanitized:none=plain))
obj = build/obj/$(1)$(suffix)
objects = $(patsubst %.c,$(call obj,$(1))/%.o,$(2))
library = $(call obj,$(1))/lib/$(2).a
libraries = $(foreach module,$(filter $(MODULES),$(2)),$(call library,$(1),$(module)))

define config_rules
$(call obj,$(1))/%.o: %.c Makefile | build/.deps-build
	@mkdir -p $$(@D)
	@echo "  CC      $$(if $(filter check,$(1)),check   )$$<"
	@$$(CC) $$(CPPFLAGS_ALL) $$(CPPFLAGS_$$(firstword $$(subst /, ,$$<))) $$(CFLAGS_$(1)) -MMD -MP -c $$< -o $$@
endef
CPPFLAGS_tests := -Itests -I.
# Never a fused multiply-add where prices decide: the core decides the same on every machine.
%/src/core/purchase.o %/src/core/purchase_fill.o %/src/core/purchase_bound.o: CFLAGS += -ffp-contract=off
$(foreach config,release fast check fuzz coverage,$(eval $(call config_rules,$(config))))

define library_rule
$(call library,$(1),$(2)): $(call objects,$(1),$(3))
	@mkdir -p $$(@D)
	@rm -f $$@
	@$$(AR) rcs $$@ $$^
endef
CONTROLLER_SOURCES := $(filter-out controller/main.c,$(wildcard controller/*.c))
$(foreach config,release check fuzz,\
    $(foreach module,$(MODULES),$(eval $(call library_rule,$(config),$(module),$(call sources,$(module)))))\
    $(eval $(call library_rule,$(config),controller,$(CONTROLLER_SOURCES)))\
    $(eval $(call library_rule,$(config),tests,$(wildcard tests/*.c))))

# link CONFIG,INPUTS: everything a program needs besides its own objects; libraries in any order.
link = @mkdir -p $(@D); echo "  LD      $@"; \
    $(CC) $(CFLAGS_$(1)) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
    $(LDFLAGS_$(1)) $(PKG_LIBS) $(2) -lpthread -lm -o $@

all_libraries = $(call libraries,$(1),$(PLAIN_MODULES)) $(if $(CONTROLLER_SOURCES),$(call library,$(1),controller))

# --- Programs ----------------------------------------------------------------------------------
ifneq (,$(wildcard controller/main.c))
build/bulkhead-controller: $(call objects,release,controller/main.c) $(call all_libraries,release)
	$(call link,release)
else
.PHONY: build/bulkhead-controller
build/bulkhead-controller: $(call all_libraries,release)
	@echo "controller/main.c is not there yet: built the libraries only"
endif

build/bulkhead-replay: $(call objects,release,src/replay/main.c) $(call libraries,release,$(LINK_replay))
	$(call link,release)

build/kubectl-bulkhead: $(call objects,release,$(wildcard src/cli/main.c)) $(call libraries,release,cli $(LINK_cli))
	$(call link,release)

# --- Table tests: tests/<module>/<name>_test.c, one program each -------------------------------
# Other .c files of the folder are helpers, linked where they are needed; main.c, *_fuzz.c and
# *_lint.c are programs of their own.
TEST_SOURCES := $(wildcard tests/*/*_test.c)
TEST_FOLDERS := $(sort $(foreach file,$(TEST_SOURCES),$(word 2,$(subst /, ,$(file)))))
test_helpers = $(filter-out %_test.c %_fuzz.c %_lint.c %/main.c,$(wildcard tests/$(1)/*.c))
# A test of a module sees what the module sees; any other folder (controller, sim) sees everything,
# the fake server of tests/kube too.
test_libraries = $(if $(filter $(1),$(MODULES)),$(call libraries,$(2),$(1) $(LINK_$(1))),$(call all_libraries,$(2)) $(call library,$(2),tests-kube))

define test_folder_rules
$(if $(call test_helpers,$(1)),$(call library_rule,check,tests-$(1),$(call test_helpers,$(1))))
build/check$(suffix)/$(1)/%_test: $(call obj,check)/tests/$(1)/%_test.o \
    $(if $(call test_helpers,$(1)),$(call library,check,tests-$(1))) $(call library,check,tests) \
    $(call test_libraries,$(1),check)
	$$(call link,check,-lcmocka)
endef
$(foreach folder,$(TEST_FOLDERS),$(eval $(call test_folder_rules,$(folder))))

# --- Fuzz targets: tests/<module>/<name>_fuzz.c ------------------------------------------------
# With libFuzzer for `make fuzz`; with tests/fuzz/replay.c for `make check`, which plays the corpus.
FUZZ_SOURCES := $(wildcard tests/*/*_fuzz.c)
FUZZ_FOLDERS := $(sort $(foreach file,$(FUZZ_SOURCES),$(word 2,$(subst /, ,$(file)))))
FUZZ_PROGRAMS := $(patsubst tests/%.c,build/fuzz/%,$(FUZZ_SOURCES))

define fuzz_folder_rules
$(if $(call test_helpers,$(1)),$(call library_rule,fuzz,tests-$(1),$(call test_helpers,$(1)))
$(if $(filter $(1),$(TEST_FOLDERS)),,$(call library_rule,check,tests-$(1),$(call test_helpers,$(1)))))
build/fuzz/$(1)/%_fuzz: $(call obj,fuzz)/tests/$(1)/%_fuzz.o \
    $(if $(call test_helpers,$(1)),$(call library,fuzz,tests-$(1))) $(call test_libraries,$(1),fuzz)
	$$(call link,fuzz)
build/check$(suffix)/$(1)/%_fuzz: $(call obj,check)/tests/$(1)/%_fuzz.o $(call obj,check)/tests/fuzz/replay.o \
    $(if $(call test_helpers,$(1)),$(call library,check,tests-$(1))) $(call test_libraries,$(1),check)
	$$(call link,check)
endef
$(foreach folder,$(FUZZ_FOLDERS),$(eval $(call fuzz_folder_rules,$(folder))))

# ONLY=core/place runs one file, ONLY=core the files of one module.
ONLY ?=
override ONLY := $(ONLY:%/=%)
TEST_PROGRAMS := $(patsubst tests/%.c,build/check$(suffix)/%,$(if $(ONLY),\
    $(wildcard tests/$(ONLY:_test=)_test.c tests/$(ONLY)/*_test.c tests/$(ONLY)_fuzz.c tests/$(ONLY)/*_fuzz.c),\
    $(TEST_SOURCES) $(FUZZ_SOURCES)))

.PHONY: check
check: $(TEST_PROGRAMS) $(if $(filter sim,$(ONLY)),sim-check) ## Table tests with sanitizers: seconds. ONLY=core/place runs one
	@tests/run.sh $(JOBS) $(TEST_PROGRAMS)

# Beside the sanitizers: what is read before anything is written there.
.PHONY: valgrind
valgrind: ## The core's table tests under valgrind: minutes. ONLY=core/place runs one
	$(call deps,valgrind)
	@RUNNER="valgrind -q --error-exitcode=99 --leak-check=full" SECONDS_MAX=3000 \
	    $(MAKE) --no-print-directory check SANITIZE=none ONLY=$(or $(ONLY),core)

# --- Simulation --------------------------------------------------------------------------------
RUNS ?= $(if $(SEED),1,200)
SIM_SOURCES := $(filter-out %_test.c %_fuzz.c,$(wildcard tests/sim/*.c))
SIM_RUNS_CHECK ?= 1000
SEEDS ?= 10

# malloc for worlds; a compiler that knows what malloc does must not look into it.
SIM_HEAP = $(call objects,release,tests/heap/heap.c)
$(SIM_HEAP): CFLAGS += -fno-builtin
SIM_MODULES := record $(LINK_record)
build/sim: $(call objects,release,$(SIM_SOURCES)) $(SIM_HEAP) $(call all_libraries,release)
	$(call link,release)
# Without a table of addresses to jump through, where the libraries are there for that: a twentieth.
SIM_LIBS := -ljson-c -lyaml -lz -lcrypto -lm
SIM_STATIC = $(call once,SIM_STATIC,$(shell echo 'int main(void) { return 0; }' | $(CC) -static -x c - -o /dev/null $(SIM_LIBS) 2>/dev/null && echo -static))
build/sim-fast: $(call objects,fast,$(SIM_SOURCES)) $(SIM_HEAP) $(call objects,fast,$(foreach module,$(SIM_MODULES),$(call sources,$(module))))
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(CC) $(CFLAGS_fast) $^ -o $@ $(LDFLAGS_fast) $(SIM_STATIC) $(SIM_LIBS)
build/sim-check: $(call objects,check,$(SIM_SOURCES)) $(call all_libraries,check)
	$(call link,check)

.PHONY: sim sim-check
ifneq (,$(SIM_SOURCES))
sim: build/sim$(if $(FAST),-fast) ## Simulate RUNS=n worlds (SMALL=1: small ones; FAST=1: by the millions), or replay SEED=s exactly
	build/sim$(if $(FAST),-fast) --runs $(RUNS) $(if $(SMALL),--small) $(if $(SEED),--seed $(SEED))
sim-check: build/sim-check
	build/sim-check --runs $(SIM_RUNS_CHECK)
	build/sim-check --small --runs $(SIM_RUNS_CHECK)
	build/sim-check --walk 2
	build/sim-check --array 20000
sieve: build/sim ## One thing going wrong at every place of SEEDS=n schedules: each crash, pair of crashes, stale view and gap
	build/sim --sieve $(SEEDS) --keep-going
.PHONY: bugs sieve coverage
bugs: build/sim ## The tests of the tests: puts known bugs into the program, one by one; the simulator must find each
	hack/seeded-bugs

# The rest is the release build: only the core is looked at. One process, since what is reached is
# written when it ends. TABLES=1 runs the core's table tests too.
COVERAGE_RUNS ?= 5000
$(eval $(call library_rule,coverage,core,$(call sources,core)))
$(eval $(call library_rule,release,tests-core,$(call test_helpers,core)))
build/coverage/sim: $(call objects,release,$(SIM_SOURCES)) $(SIM_HEAP) $(call library,coverage,core) \
    $(filter-out $(call library,release,core),$(call all_libraries,release))
	$(call link,coverage)
build/coverage/core/%_test: $(call obj,release)/tests/core/%_test.o $(call library,release,tests-core) $(call library,release,tests) \
    $(call library,coverage,core) $(call libraries,release,$(LINK_core))
	$(call link,coverage,-lcmocka)
COVERAGE_TESTS := $(if $(TABLES),$(patsubst tests/%.c,build/coverage/%,$(wildcard tests/core/*_test.c)))
coverage: build/coverage/sim $(COVERAGE_TESTS) ## Which lines and branches of the core COVERAGE_RUNS=n worlds reach; TABLES=1: and table tests; MISSING=1: say which not
	@find $(call obj,coverage) -name '*.gcda' -delete
	build/coverage/sim --jobs 1 --keep-going --runs $(COVERAGE_RUNS) | tail -n 1
	build/coverage/sim --jobs 1 --keep-going --small --runs $(COVERAGE_RUNS) | tail -n 1
	build/coverage/sim --jobs 1 --keep-going --sieve 1 | tail -n 1
	@for test in $(COVERAGE_TESTS); do $$test >build/coverage/test.log 2>&1 || { cat build/coverage/test.log; exit 1; }; done
	@hack/coverage.py $(if $(MISSING),--missing) $(call obj,coverage)
else
sim sim-check:
	@echo "$@: no simulator yet: tests/sim/ has no sources"; $(if $(filter sim,$@),exit 1)
endif

# --- Days: a generated load on a perfect cluster, on virtual time --------------------------------
build/day: $(call objects,release,tests/day/main.c) $(call libraries,release,day $(LINK_day))
	$(call link,release)

.PHONY: day
day: build/day ## Play a day's load: SCENARIO=tests/day/office.yaml, ARGS="--set ... --vary ..."
	build/day $(ARGS) $(or $(SCENARIO),tests/day/office.yaml)

# --- Everything CI runs, and the whole system ---------------------------------------------------
# ONLY=nodes runs one file, ONLY=nodes/names the tests in it whose names have that.
only_file = $(firstword $(subst /, ,$(ONLY)))
only_name = $(word 2,$(subst /, ,$(ONLY)))
PYTEST = $(PYTHON) -m pytest -q tests/system$(if $(ONLY),/test_$(only_file:test_%=%).py) $(if $(only_name),-k $(only_name))

.PHONY: test e2e system
test: ## What CI runs: tables, simulation, then whole-system runs on a real control plane
	@+$(MAKE) --no-print-directory check
	@+$(MAKE) --no-print-directory sim-check
	@+$(MAKE) --no-print-directory system
system: all
ifneq (,$(wildcard tests/system/test_*.py))
	$(call deps,test cluster)
	$(PYTEST) -m "not long"
else
	@echo "$@: no whole-system tests yet: tests/system/ has none"
endif
e2e: all ## The whole-system part alone, long cases included; ONLY=nodes/names some of it
	$(call deps,test cluster)
	$(PYTEST)

# Bulkhead's side is built with the sanitizers; the other side is Kubernetes' own code, in Go.
build/differential/bulkhead: $(call objects,check,tests/differential/main.c) $(call libraries,check,api $(LINK_api))
	$(call link,check)

.PHONY: differential
differential: build/differential/bulkhead ## Resource arithmetic beside Kubernetes' own (PODS=n QUANTITIES=n SEED=s)
	$(call deps,control-plane)
	$(PYTHON) hack/differential.py $(if $(PODS),--pods $(PODS)) $(if $(QUANTITIES),--quantities $(QUANTITIES)) \
	    $(if $(SEED),--seed $(SEED))

.PHONY: fuzz fuzz-programs
fuzz: ## Fuzz every decoder for SECONDS=n of CPU each; ONLY=api/specs one of them
	$(call deps,lint)
	@+$(MAKE) --no-print-directory CC=clang fuzz-programs
	hack/fuzz --seconds $(or $(SECONDS),60) $(if $(ONLY),--only $(ONLY))
fuzz-programs: $(FUZZ_PROGRAMS)

# What decisions cost, without anything around the core.
build/bench-core: $(call objects,release,tests/bench/main.c) $(call libraries,release,core api json base)
	$(call link,release)

.PHONY: bench demo dev-up dev-down
bench: all build/day build/bench-core ## Measure: a table on screen, every figure as a row in build/bench.json
	$(call deps,test cluster)
	hack/bench
demo: all ## Run the story on a cluster of its own, from nothing to a finished job
	$(call deps,cluster)
	hack/demo
dev-up: ## Start a dev cluster (NAME=, NODES=); the last line is the KUBECONFIG to export
	$(call deps,cluster)
	@NAME="$(NAME)" NODES="$(NODES)" hack/dev-cluster up
dev-down: ## Stop the dev cluster (NAME=)
	@NAME="$(NAME)" hack/dev-cluster down

# --- Lint --------------------------------------------------------------------------------------
# Every object of every config, tests included, for lint's builds with both compilers.
OBJECT_SOURCES := $(wildcard src/*/*.c controller/*.c)
.PHONY: objects
objects: $(call objects,release,$(OBJECT_SOURCES)) $(call objects,check,$(wildcard tests/*.c tests/*/*.c))

.PHONY: lint
lint: ## Arrows, bans, layout, both compilers, clang-tidy, cppcheck, shellcheck. ONLY=arrows runs one
	$(call deps,build lint)
	@$(PYTHON) hack/lint.py $(ONLY)

build/crd-lint: $(call objects,check,$(wildcard tests/api/crd_lint.c)) $(call libraries,check,api $(LINK_api))
	$(call link,check)

# --- Tools, installing, cleaning ---------------------------------------------------------------
# deps GROUPS: installs what the groups lack; says nothing and is quick when nothing is missing.
deps = @if [ -x hack/deps.sh ]; then hack/deps.sh $(1); fi

build/.deps-build:
	@mkdir -p $(@D)
	$(call deps,build)
	@touch $@

.PHONY: deps
deps: ## Install everything that building, checking and the dev cluster need
	hack/deps.sh all

.PHONY: install
install: all ## Install the programs under PREFIX=/usr/local
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 0755 build/bulkhead-controller build/bulkhead-replay $(wildcard build/kubectl-bulkhead) "$(DESTDIR)$(PREFIX)/bin/"

.PHONY: clean
clean: ## Remove build/
	rm -rf build

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

# What the compiler found out about headers.
-include $(shell find build/obj -name '*.d' 2>/dev/null)
