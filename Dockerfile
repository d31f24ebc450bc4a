# syntax=docker/dockerfile:1
# Two stages: the first builds the binary with Rust and Node, the second has the binary and nothing to build with.
#
#   docker build -t tidings .
#   docker run --name tidings -p 3000:3000 -v tidings:/var/lib/tidings tidings

FROM node:22-bookworm AS node

FROM rust:1-bookworm AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p tidings

FROM debian:bookworm-slim
# The folder is empty, without the files that a home would get: a backup can be restored into it.
RUN useradd --system --home-dir /var/lib/tidings --no-create-home tidings \
    && install --directory --owner=tidings --group=tidings --mode=0700 /var/lib/tidings
COPY --from=build /src/target/release/tidings /usr/local/bin/tidings
USER tidings
VOLUME /var/lib/tidings
EXPOSE 3000
# Variables, so that commands such as `docker exec NAME tidings verify` have them, too.
ENV TIDINGS_LISTEN=0.0.0.0:3000 TIDINGS_DATA=/var/lib/tidings
ENTRYPOINT ["tidings"]
