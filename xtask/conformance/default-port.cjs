// Leads connections to the default port of HTTP to the fixture.
//
// Two tests of socket.io-client connect with no address at all, that is to port 80, under a stopped clock. With nobody
// there, the first of them is decided by how fast the refusal comes, and when it fails it leaves the clock stopped, so
// that every test behind it fails too (measured: about one run in five, whatever server is tested).
"use strict";

const { Agent } = require("node:http");

const createConnection = Agent.prototype.createConnection;

Agent.prototype.createConnection = function (options, ...rest) {
  const port = Number(options.port) === 80 ? Number(process.env.FIXTURE_PORT) : options.port;
  return createConnection.call(this, { ...options, port }, ...rest);
};
