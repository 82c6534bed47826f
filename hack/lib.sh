# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# lib.sh - what the scripts of this folder share: where the cache is, which Go to use, how to speak.
#
# Sourced, never run. Nothing in it changes the machine.

go_min_minor=25 # the oldest Go 1.x that builds the modules under hack/go

# say WORDS: one line for a person, on standard error, so that standard output stays for results.
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# die WORDS: the same, and the end.
die() { say "$*"; exit 1; }

# cache_dir: the folder for everything that is built or fetched once. Never inside the work tree.
cache_dir() { printf '%s\n' "${BULKHEAD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bulkhead}"; }

# go_is_new_enough GO: whether this go program, without fetching another toolchain, is at least 1.25.
go_is_new_enough() {
    local version
    version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
    [[ $version =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= go_min_minor))
}

# find_go: prints the go program to use: the one on PATH, or the one that deps.sh put in the cache.
find_go() {
    local candidate
    for candidate in "$(command -v go || true)" "$(cache_dir)/go/bin/go"; do
        if [[ -n $candidate && -x $candidate ]] && go_is_new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}
