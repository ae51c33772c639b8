// The product itself, started as a person would, in a data folder of its own; and calls to it by which tests prepare.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startUpstream } from "./upstream.js";

const BINARY = process.env.GPT_ASSISTANT_BIN ?? resolve(import.meta.dirname, "../../../target/debug/gpt-assistant");

/** Starts a server with an upstream of ours. `settings` are environment variables without their prefix. */
export async function startServer({ settings = {}, key = "sk-shared-key-of-the-tests-0001", host = "127.0.0.1" } = {}) {
  const upstream = await startUpstream();
  const folder = await mkdtemp(join(tmpdir(), "gpt-assistant-web-"));
  const env = { PATH: process.env.PATH };
  const all = { UPSTREAM__BASE_URL: upstream.url, UPSTREAM__DEFAULT_MODEL: "small-model", LIMITS__REGISTER_PER_HOUR: "0", LIMITS__LOGIN_PER_MINUTE: "0", LIMITS__CHAT_PER_MINUTE: "0", LIMITS__API_PER_MINUTE: "0", ...key && { UPSTREAM__API_KEY: key }, ...settings };
  for (const [name, value] of Object.entries(all)) env[`GPT_ASSISTANT_${name}`] = value;
  const server = { upstream, folder, process: null, url: null };

  server.start = async (port = 0) => {
    const child = spawn(BINARY, ["--listen", `${host}:${port}`, "--data-dir", folder], { env, stdio: ["ignore", "pipe", "pipe"] });
    server.process = child;
    server.log = "";
    child.stderr.on("data", (data) => {
      server.log += data;
    });
    const address = await new Promise((good, bad) => {
      let said = "";
      child.stdout.on("data", (data) => {
        said += data;
        const found = /listening on (http:\/\/\S+)/.exec(said);
        if (found) good(found[1]);
      });
      child.on("exit", (code) => bad(new Error(`the server ended with ${code}: ${server.log}`)));
      child.on("error", bad);
    });
    server.url = address;
    server.port = Number(new URL(address).port);
  };
  /** Ends it, by force if asked. */
  server.kill = (signal = "SIGTERM") => new Promise((done) => {
    if (server.process.exitCode !== null || server.process.signalCode !== null) return done();
    server.process.once("exit", done);
    server.process.kill(signal);
  });
  server.stop = async () => {
    await server.kill("SIGKILL");
    await upstream.stop();
    await rm(folder, { recursive: true, force: true });
  };
  server.call = async (path, { method = "GET", body, token } = {}) => {
    const response = await fetch(`${server.url}/api${path}`, { method, headers: { ...body && { "content-type": "application/json" }, ...token && { authorization: `Bearer ${token}` } }, body: body && JSON.stringify(body) });
    const said = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(said)}`);
    return said;
  };
  let count = 0;
  /** A new person: `{email, password, token, call}`. */
  server.person = async (name = "Lin Ashworth") => {
    const [email, password] = [`person${++count}@example.org`, "correct horse"];
    const { token, user } = await server.call("/register", { method: "POST", body: { name, email, password, password_confirmation: password } });
    const call = (path, options = {}) => server.call(path, { ...options, token });
    const ask = (message, options = {}) => call("/chat", { method: "POST", body: { message, ...options } });
    return { name, email, password, token, user, call, ask };
  };
  await server.start();
  return server;
}
