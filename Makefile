# A thin front over CMake; GNU make.
#
#   make            build/bin/isakmpd
#   make demo       two gateways in namespaces, a tunnel, real traffic
#   make check      every test that can run here
#   make lab        the tests that need a kernel with IPsec, in user-mode Linux
#   make install    DESTDIR= PREFIX=/usr/local
#   make fuzz       libFuzzer over every target, FUZZ_SECONDS each
#   make bench      speed and memory as ratios to strongSwan; SHORT=yes: minutes
#   make soak       the simulator with new seeds for SOAK_MINUTES; DAEMONS=60m: real
#                   daemons under faults for so long
#   make clean      remove the build directories
#
# LAB chooses what `make lab` runs (test/lab/run): full.
#
# BUILD is where everything goes, CC the compiler, WERROR=ON makes warnings
# errors, JOBS the number of parallel jobs, BOOTSTRAP=no leaves packages alone.

BUILD ?= build
PREFIX ?= /usr/local
WERROR ?= OFF
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
FUZZ_SECONDS ?= 30
SOAK_MINUTES ?= 60
DAEMONS ?=
SHORT ?=
BOOTSTRAP ?= yes
LAB ?= full

ifeq ($(BOOTSTRAP),yes)
bootstrap = tools/bootstrap
else
bootstrap = @: skipping bootstrap
endif
ifneq ($(origin CC),default)
compiler = -DCMAKE_C_COMPILER=$(CC)
endif

export BUILD JOBS WERROR FUZZ_SECONDS SOAK_MINUTES DAEMONS SHORT
export CC_ARG = $(compiler)
unexport MAKEFLAGS

.PHONY: all build demo check lab install fuzz bench soak clean

all:
	$(bootstrap) build
	@$(MAKE) --no-print-directory build

# Only the daemon and its companions: no test library is needed for them.
build:
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release \
	    -DISAKMPD_TESTS=OFF -DISAKMPD_WERROR=$(WERROR) \
	    -DCMAKE_INSTALL_PREFIX=$(PREFIX) $(compiler) --log-level=WARNING \
	    >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)

demo:
	$(bootstrap) demo
	@$(MAKE) --no-print-directory build
	@BIN=$(BUILD)/bin tools/demo

check:
	$(bootstrap) tests
	@tools/check

lab:
	$(bootstrap) lab
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DISAKMPD_TESTS=ON \
	    -DISAKMPD_WERROR=$(WERROR) $(compiler) --log-level=WARNING >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)
	@BIN=$(BUILD)/bin test/lab/run $(LAB)

install: all
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD) --prefix $(PREFIX)

fuzz:
	$(bootstrap) fuzz
	@tools/fuzz

bench:
	$(bootstrap) tests
	@$(MAKE) --no-print-directory build
	@cmake --build $(BUILD) -j $(JOBS) --target ikeload -- --quiet
	@BIN=$(BUILD)/bin RESULT=$(abspath $(BUILD))/bench.json test/bench/run

soak:
	$(bootstrap) tests
	@tools/soak

clean:
	rm -rf $(BUILD) $(BUILD)-dev $(BUILD)-asan $(BUILD)-tsan $(BUILD)-fuzz \
	    $(BUILD)-coverage $(BUILD)-clang
