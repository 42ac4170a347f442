// Certificates by openssl, and real proxies that end TLS before the server.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { delimiter, join } from "node:path";
import { connect as connectTls } from "node:tls";

/** The reason to skip a test that needs these programs; false when all are installed. */
export function missing(...programs) {
  const folders = [...process.env.PATH.split(delimiter), "/usr/sbin", "/sbin"];
  const isThere = (program) => folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  const absent = programs.filter((program) => !isThere(program));
  return absent.length === 0 ? false : `not installed: ${absent.join(", ")}`;
}

/** A new self-signed certificate for 127.0.0.1, in the place of the one before: `chain.pem`, `key.pem` and both in `both.pem`. */
export async function newCertificate(folder) {
  const [chain, key, both] = ["chain.pem", "key.pem", "both.pem"].map((name) => join(folder, name));
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", ["req", ...kind, "-keyout", key, "-out", chain], { stdio: "ignore" });
  await writeFile(both, Buffer.concat([await readFile(chain), await readFile(key)]), { mode: 0o600 });
  return { chain, key, both };
}

/** The fingerprint of the certificate that is shown at a port now. */
export async function fingerprintAt(port) {
  const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

const CONFIGURATIONS = {
  nginx: ({ folder, from, to, chain, key }) => `
    daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
    events {}
    http {
      access_log off;
      ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(" ")}
      map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
      server {
        listen 127.0.0.1:${from} ssl; ssl_certificate ${chain}; ssl_certificate_key ${key};
        location / {
          proxy_pass http://127.0.0.1:${to}; proxy_http_version 1.1; proxy_read_timeout 1h;
          proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
          proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
        }
      }
    }`,
  haproxy: ({ from, to, both }) => `
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
listen chat
  bind 127.0.0.1:${from} ssl crt ${both}
  server wardroom 127.0.0.1:${to} send-proxy-v2
`,
};

const COMMANDS = {
  nginx: (file, folder) => ["-e", join(folder, "nginx.log"), "-p", folder, "-c", file],
  haproxy: (file) => ["-q", "-db", "-f", file],
};

/** A proxy between two ports of the loopback address. */
export class Proxy {
  #process;

  static async start(program, { folder, from, to, ...certificate }) {
    const file = join(folder, `${program}.conf`);
    await writeFile(file, CONFIGURATIONS[program]({ folder, from, to, ...certificate }));
    const proxy = new Proxy();
    proxy.#process = spawn(program, COMMANDS[program](file, folder), { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
    let log = "";
    proxy.#process.stderr.setEncoding("utf8").on("data", (text) => (log = (log + text).slice(-2000)));
    let isListening = false;
    while (!isListening && proxy.#process.exitCode === null) {
      isListening = await listens(from);
    }
    if (proxy.#process.exitCode !== null) {
      throw new Error(`${program} ended: ${log}`);
    }
    return proxy;
  }

  async stop() {
    if (this.#process.exitCode !== null) {
      return;
    }
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }
}

async function listens(port) {
  const socket = connectTcp(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    // Nothing to wait on but the port itself.
    await new Promise((resolve) => setTimeout(resolve, 20));
    return false;
  } finally {
    socket.destroy();
  }
}
