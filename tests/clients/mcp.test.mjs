// weir's client of MCP with the reference server of the protocol: the one of today, and the one of
// the revision that weir speaks (2025-06-18).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const kLimitMs = 120_000;

const resource = { resourceId: 1 };
const hello = 'data:text/plain,hello';
// `refused`: tools that need what weir does not offer; the server says so in their answer.
const peers = [
  {
    name: 'server-everything 2026.8.31',
    folder: '@modelcontextprotocol/server-everything',
    long: 'trigger-long-running-operation',
    tools: 12,
    leftOut: ['simulate-research-query'],
    refused: [],
    arguments: {
      'trigger-long-running-operation': { duration: 0.2, steps: 2 },
      'get-resource-reference': { resourceType: 'Blob', ...resource },
      'gzip-file-as-resource': { name: 'a.gz', data: hello, outputType: 'resource' },
    },
  },
  {
    name: 'server-everything 2025.9.25',
    folder: 'server-everything-2025',
    long: 'longRunningOperation',
    tools: 10,
    leftOut: [],
    refused: ['sampleLLM'],
    arguments: {
      longRunningOperation: { duration: 0.2, steps: 2 },
      getResourceReference: resource,
    },
  },
];

const program = ({ folder }) =>
  fileURLToPath(new URL(`node_modules/${folder}/dist/index.js`, import.meta.url));

// What this file has started ends with it, whatever happens.
const started = [];
process.once('exit', () => started.forEach((child) => child.kill('SIGKILL')));

function start(binary, args, env, input) {
  const output = input === 'pipe' ? 'pipe' : 'ignore';
  const child = spawn(binary, args, { env, stdio: [input, output, 'pipe'] });
  started.push(child);
  return child;
}

// One run of weir-mcp; its lines come one by one.
class Run {
  #child;
  #lines;
  #said = '';

  constructor(scenario, spec) {
    const binary = process.env.WEIR_MCP;
    assert.ok(binary, 'WEIR_MCP is not set: run ./dev clients, or name the weir-mcp to test');
    const env = { PATH: process.env.PATH };
    this.#child = start(binary, [scenario, JSON.stringify({ env, ...spec })], env, 'pipe');
    this.#child.stderr.on('data', (bytes) => { this.#said += bytes; });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async line() {
    const { value, done } = await this.#lines.next();
    assert.ok(!done, `weir-mcp ended too early: ${this.#said}`);
    return JSON.parse(value);
  }
  async until(did) {
    for (;;) {
      const line = await this.line();
      assert.notEqual(line.did, 'open', line.text);
      if (line.did === did) return line;
    }
  }
  goOn() { this.#child.stdin.end('\n'); }

  async rest() {
    const lines = [];
    for await (const line of this.#lines) lines.push(JSON.parse(line));
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
    assert.equal(this.#child.exitCode, 0, `${this.#said}${JSON.stringify(lines.at(-1))}`);
    return lines;
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

// The server behind HTTP, which this file starts and kills itself.
class Web {
  static async start(peer, port) {
    const web = new Web();
    const env = { PATH: process.env.PATH, PORT: String(port) };
    web.child = start(process.execPath, [program(peer), 'streamableHttp'], env, 'ignore');
    for await (const line of createInterface({ input: web.child.stderr })) {
      if (line.includes('listening')) break;
    }
    web.child.stderr.resume();
    return web;
  }
  async kill() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }
}

function checkEach(peer, lines) {
  const calls = lines.filter((line) => line.did === 'each');
  assert.equal(calls.length, peer.tools, JSON.stringify(calls.map((line) => line.tool)));
  const failed = calls.filter((line) => !line.ok);
  assert.deepEqual(failed.map((line) => line.tool), peer.refused, JSON.stringify(failed));
  calls.forEach((line) => assert.ok(line.text.length > 0, `${line.tool} says nothing`));
  assert.deepEqual(
    lines.filter((line) => line.event === 'mcp.left_out').map((line) => line.tool), peer.leftOut);
}

async function checkCancel(run) {
  const broken = await run.until('break');
  assert.equal(broken.error, 'cancelled');
  const asked = Date.now();
  const next = await run.until('next');
  assert.ok(next.ok && next.text.includes('still here'), next.text);
  assert.ok(Date.now() - asked < 10_000, 'the server was busy with what was cancelled');
  await run.rest();
}

async function checkCrash(run, kill, restart) {
  await run.until('progress');
  await kill();
  const broken = await run.until('break');
  assert.equal(broken.error, 'connection_error', broken.text);
  assert.match(broken.text, /MCP server 'peer'/);
  await restart?.();
  run.goOn();
  const next = await run.until('next');
  assert.ok(next.ok && next.text.includes('still here'), next.text);
  await run.rest();
  return broken;
}

for (const peer of peers) {
  const { long } = peer;

  describe(`${peer.name} over stdio`, { timeout: kLimitMs }, () => {
    const exec = [process.execPath, program(peer), 'stdio'];

    test('every tool answers', async () => {
      const run = new Run('each', { exec, arguments: peer.arguments });
      checkEach(peer, await run.rest());
    });

    test('a cancelled call leaves the server free', async () => {
      await checkCancel(new Run('cancel', { exec, long }));
    });

    test('a server that is killed is started again', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'weir-mcp-'));
      const pidFile = join(folder, 'pid');
      const script = `echo $$ > '${pidFile}'; exec "$@"`;
      const run = new Run('crash', { exec: ['sh', '-c', script, 'sh', ...exec], long });
      try {
        const broken = await checkCrash(run, async () => {
          assert.ok(existsSync(pidFile));
          process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
        });
        assert.match(broken.text, /was killed by signal 9/);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });

  describe(`${peer.name} over streamable HTTP`, { timeout: kLimitMs }, () => {
    const using = async (work) => {
      const port = await freePort();
      const held = { web: await Web.start(peer, port) };
      const restart = async () => { held.web = await Web.start(peer, port); };
      try {
        await work(`http://127.0.0.1:${port}/mcp`, () => held.web.kill(), restart);
      } finally {
        await held.web.kill();
      }
    };

    test('every tool answers', () => using(async (url) => {
      const run = new Run('each', { url, arguments: peer.arguments });
      checkEach(peer, await run.rest());
    }));

    test('a cancelled call leaves the server free', () => using(async (url) => {
      await checkCancel(new Run('cancel', { url, long }));
    }));

    test('a server that is killed and comes back is spoken to again', () =>
      using(async (url, kill, restart) => {
        await checkCrash(new Run('crash', { url, long }), kill, restart);
      }));
  });
}
