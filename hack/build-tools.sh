#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build-tools.sh - builds the parts of a Kubernetes control plane from their Go modules.
#
#   hack/build-tools.sh [NAME...]     builds what is missing; prints the folder that holds the programs
#   hack/build-tools.sh --print-dir   prints that folder and builds nothing
#
# Without names everything is built. The folder is in the cache and named for the Kubernetes version and
# the content of hack/go, so a change of either builds anew and never mixes. Programs found in
# KUBEBUILDER_ASSETS (the convention of envtest) are used from there and not built.
#
# Two runs at once are safe: each program is built under one lock, to a temporary name, and renamed.
set -euo pipefail

hack=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib.sh
source "$hack/lib.sh"

all_tools=(etcd kube-apiserver kubectl kube-controller-manager kube-scheduler kwok kubelet)

module_version() { # FOLDER MODULE
    sed -n "s#^\(.*[[:space:]]\)\{0,1\}$2 \(v[0-9][^ ]*\).*#\2#p" "$hack/go/$1/go.mod" | head -n 1
}

kubernetes_version=$(module_version kubernetes k8s.io/kubernetes)
hash=$(cat "$hack"/go/*/go.mod "$hack"/go/*/go.sum | sha256sum | cut -c1-12)
tools_dir="$(cache_dir)/tools/k8s-$kubernetes_version-$hash"

# Sets module, package and ldflags for a tool.
describe() {
    local version_pkg minor
    ldflags="-s -w"
    case $1 in
    etcd)
        module=etcd package=go.etcd.io/etcd/server/v3
        ;;
    kwok)
        module=kwok package=sigs.k8s.io/kwok/cmd/kwok
        ldflags+=" -X sigs.k8s.io/kwok/pkg/consts.Version=$(module_version kwok sigs.k8s.io/kwok)"
        ;;
    kube-apiserver | kube-controller-manager | kube-scheduler | kubelet | kubectl)
        module=kubernetes package=k8s.io/kubernetes/cmd/$1
        minor=${kubernetes_version#v1.}
        for version_pkg in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
            ldflags+=" -X $version_pkg.gitVersion=$kubernetes_version"
            ldflags+=" -X $version_pkg.gitMajor=1 -X $version_pkg.gitMinor=${minor%%.*}"
        done
        ;;
    *)
        die "unknown tool '$1'; the tools are: ${all_tools[*]}"
        ;;
    esac
}

has_tool() {
    [[ -x $tools_dir/$1 ]] || [[ -n ${KUBEBUILDER_ASSETS:-} && -x $KUBEBUILDER_ASSETS/$1 ]]
}

build_tool() {
    local tool=$1 start=$SECONDS scratch
    describe "$tool"
    scratch="$tools_dir/.$tool.$$"
    say "building $tool $(module_version "$module" "${package%%/cmd/*}") (minutes the first time) ..."
    # GOTOOLCHAIN=local: the Go that is here is the one that is used; nothing fetches another.
    if ! (cd "$hack/go/$module" &&
        GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0 nice -n 5 "$go" build -mod=readonly -trimpath \
            -ldflags "$ldflags" -o "$scratch" "$package" >&2); then
        rm -f "$scratch"
        die "$tool did not build; the lines above say why"
    fi
    mv "$scratch" "$tools_dir/$tool"
    say "built $tool in $((SECONDS - start)) s"
}

if [[ ${1:-} == --print-dir ]]; then
    printf '%s\n' "$tools_dir"
    exit 0
fi

tools=("$@")
((${#tools[@]})) || tools=("${all_tools[@]}")
mkdir -p "$tools_dir"
for tool in "${tools[@]}"; do
    describe "$tool"
    has_tool "$tool" && continue
    go=$(find_go) || die "Go 1.$go_min_minor or newer is needed; 'make deps' installs one"
    (
        if ! flock -n 9; then
            say "waiting for another build of the tools to finish"
            flock 9
        fi
        has_tool "$tool" || build_tool "$tool"
    ) 9>"$tools_dir/.lock"
done
printf '%s\n' "$tools_dir"
