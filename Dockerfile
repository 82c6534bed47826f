# SPDX-License-Identifier: Apache-2.0
# The controller's image, as manifests/default expects it:
#
#   docker build -t bulkhead-controller:dev .
#
# CI does not build it: there it has no container engine. What it installs and runs is what CI does on
# plain Debian 12. Programs of the `command` provider are not in it; add them in an image of your own,
# with --node-programs-dir naming their folder.
FROM debian:bookworm-slim AS build
WORKDIR /src
COPY . .
RUN hack/deps.sh build && rm -rf build && make

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libcurl4 libjson-c5 libyaml-0-2 \
        libwebsockets17 libwebsockets-evlib-uv libuv1 libssl3 libsqlite3-0 zlib1g \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/build/bulkhead-controller /usr/local/bin/
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/bulkhead-controller"]
