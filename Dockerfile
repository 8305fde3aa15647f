# The image of all roles: the bundle, Node, and of Debian just what the roles load and run. No shell, no package tools.
#
#   docker build --tag loligo .          needs BuildKit (Docker 23 or newer), or podman or buildah
#   make image                           the same without any registry
#
# For another architecture: --platform, on a builder that can run it (emulated or its own).

ARG NODE_IMAGE=node:24-trixie-slim
ARG DEBIAN_IMAGE=debian:trixie-slim

# The build machine's own npm and apt settings and certificates come as secrets, when it has any: none is kept in a layer.
FROM ${NODE_IMAGE} AS bundle
WORKDIR /build
COPY package.json package-lock.json ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=certificates \
    NODE_EXTRA_CA_CERTS=/run/secrets/certificates npm ci --ignore-scripts --no-audit --no-fund
COPY proto proto
COPY scripts/build.ts scripts/step.ts scripts/
COPY src src
RUN node scripts/build.ts

FROM ${DEBIAN_IMAGE} AS files
RUN --mount=type=secret,id=aptconf,target=/etc/apt/apt.conf.d/99builder \
    apt-get update && apt-get install --yes --no-install-recommends \
    binutils cryptsetup-bin dmsetup e2fsprogs keyutils kmod librados2 librbd1 mount qemu-block-extra qemu-utils rbd-nbd util-linux xfsprogs
COPY --from=bundle /usr/local/bin/node /usr/local/bin/node
COPY --from=bundle /build/dist/bin /build/dist/bin
COPY --from=bundle /build/node_modules/koffi /build/node_modules/koffi
COPY --from=bundle /build/node_modules/@koromix /build/node_modules/@koromix
COPY scripts/image /build/scripts/image
COPY LICENSE /build/
RUN node /build/scripts/image/collect-files.ts /build /image

FROM scratch
ARG VERSION=0.0.0
LABEL org.opencontainers.image.title="loligo" \
      org.opencontainers.image.description="Ceph RBD for Kubernetes: a CSI driver that is never stuck" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=files /image /
ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin
# The node and mapper roles need root: their pods say so.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/node", "/usr/lib/loligo/bin/loligo.js"]
