// Starts `weir sim` for a test file, and ends it: by its own process, never by name.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const kReady = /^weir sim: listening on (http:\/\/\S+)\n/;
const kStartLimitMs = 20_000;

export const scenario = (name) =>
  fileURLToPath(new URL(`scenarios/${name}.yaml`, import.meta.url));

// The simulator of one test file. `flags` are those of `weir sim`; it listens on a port of its own.
export class Sim {
  #child;
  #said = '';

  static async start(...flags) {
    const binary = process.env.WEIR_BIN;
    assert.ok(binary, 'WEIR_BIN is not set: run ./dev clients, or name the weir binary to test');
    const sim = new Sim();
    sim.#child = spawn(binary, ['sim', '--listen', '127.0.0.1:0', ...flags],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    sim.#child.stderr.on('data', (bytes) => { sim.#said += bytes; });
    process.once('exit', () => sim.#child.kill('SIGKILL'));
    sim.url = await sim.#untilReady();
    return sim;
  }

  get v1() { return `${this.url}/v1`; }

  // Fails when the simulator had ended by itself: a crash must not pass as a refused connection.
  async stop() {
    const { exitCode, signalCode } = this.#child;
    assert.ok(exitCode === null && signalCode === null,
      `weir sim ended by itself (exit ${exitCode}, signal ${signalCode}): ${this.#said}`);
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exit;
  }

  async #untilReady() {
    const limit = AbortSignal.timeout(kStartLimitMs);
    let out = '';
    return await new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`weir sim ${why}: ${this.#said || out}`));
      limit.addEventListener('abort', () => fail('did not say where it listens'));
      this.#child.once('error', (error) => fail(error.message));
      this.#child.once('exit', (code) => fail(`ended with ${code} before it was ready`));
      this.#child.stdout.on('data', (bytes) => {
        out += bytes;
        const ready = kReady.exec(out);
        if (ready) resolve(ready[1]);
      });
    });
  }
}

// Asks until `probe` gives something other than undefined; fails with `what` when it never does.
export async function eventually(what, probe) {
  for (let tries = 0; tries < 200; ++tries) {
    const found = await probe();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.fail(what);
}
