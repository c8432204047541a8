# The short way in. CMakePresets.json holds what is built how; this file only names the steps.
JOBS ?= $(shell nproc)
SOURCES = git ls-files --cached --others --exclude-standard '*.cc' '*.h'

.DEFAULT_GOAL := help
.PHONY: help run test setup build bench format package clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*##/  make \1\t/p' Makefile | expand -t 18

run: build  ## build, start a server, show what it does, leave it running
	@conf/run.sh

test: setup  ## build and run every test
	@cmake --preset dev >/dev/null
	@cmake --build --preset dev -j $(JOBS)
	@ctest --preset dev -j $(JOBS) $(CTEST_ARGS)

setup:  ## install the Debian packages that are missing
	@conf/setup.sh

build: setup  ## release programs in build/release/bin
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS) --target programs

bench: build  ## measure against the bars of bench/README.md
	@python3 -B bench/compare.py bars

format:  ## clang-format on every source file
	@$(SOURCES) | xargs clang-format-14 -i

package: build  ## build/release/reprise_*.deb
	@cd build/release && cpack -G DEB

clean:  ## remove all that was built
	@rm -rf build
