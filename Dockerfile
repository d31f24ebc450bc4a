# syntax=docker/dockerfile:1
# Two stages: the first builds the binary with Rust and Node, the second has the binary and nothing to build with.
#
#   docker build -t tidings .
#   docker run -p 3000:3000 -v tidings:/var/lib/tidings tidings

FROM node:22-bookworm AS node

FROM rust:1-bookworm AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p tidings

FROM debian:bookworm-slim
RUN useradd --system --home-dir /var/lib/tidings --create-home tidings
COPY --from=build /src/target/release/tidings /usr/local/bin/tidings
USER tidings
VOLUME /var/lib/tidings
EXPOSE 3000
ENTRYPOINT ["tidings", "--listen", "0.0.0.0:3000", "--data", "/var/lib/tidings"]
