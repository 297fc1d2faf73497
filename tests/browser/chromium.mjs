// A headless Chromium, spoken to over two pipes: no packages, no ports.

import {spawn} from 'node:child_process';
import {accessSync, constants, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {delimiter, join} from 'node:path';

// Without the last four it looks for hosts of its own at every start.
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe', '--disable-quic',
  '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

// The path of a Chromium, or null.
export function findChromium() {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here.
      }
    }
  }
  return null;
}

export class Chromium {
  #process;
  #profile = mkdtempSync(join(tmpdir(), 'weir-browser-'));
  #next = 1;
  #waiting = new Map();
  #listeners = [];
  #rest = '';

  constructor(path) {
    this.#process = spawn(path, [...FLAGS, `--user-data-dir=${this.#profile}`, 'about:blank'],
      {stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe']});
    this.#process.stdio[4].setEncoding('utf8').on('data', (text) => this.#take(text));
    this.#process.on('exit', () => {
      for (const {reject} of this.#waiting.values()) reject(new Error('the browser is gone'));
    });
  }

  #take(text) {
    const messages = (this.#rest + text).split('\0');
    this.#rest = messages.pop();
    for (const message of messages.map((line) => JSON.parse(line))) {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (waiting === undefined) {
        for (const listener of this.#listeners) listener(message);
      } else if (message.error) {
        waiting.reject(new Error(message.error.message));
      } else {
        waiting.resolve(message.result);
      }
    }
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, {resolve, reject});
      this.#process.stdio[3].write(`${JSON.stringify({id, method, params, sessionId})}\0`);
    });
  }

  onEvent(listener) {
    this.#listeners.push(listener);
  }

  // A page of its own: its send() is that of the page.
  async newPage() {
    const {targetId} = await this.send('Target.createTarget', {url: 'about:blank'});
    const {sessionId} = await this.send('Target.attachToTarget', {targetId, flatten: true});
    return new Page(this, sessionId);
  }

  async close() {
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    this.send('Browser.close').catch(() => {});
    await gone;
    rmSync(this.#profile, {recursive: true, force: true, maxRetries: 5, retryDelay: 100});
  }
}

class Page {
  constructor(browser, sessionId) {
    this.browser = browser;
    this.sessionId = sessionId;
    this.requests = [];
    this.complaints = [];
    browser.onEvent((event) => {
      if (event.sessionId !== sessionId) return;
      if (event.method === 'Network.requestWillBeSent') this.requests.push(event.params.request.url);
      if (event.method === 'Log.entryAdded') this.complaints.push(event.params.entry.text);
      if (event.method === 'Page.loadEventFired') this.loaded?.();
    });
  }

  send(method, params) {
    return this.browser.send(method, params, this.sessionId);
  }

  async open(url, {width, dark}) {
    for (const domain of ['Page', 'Network', 'Log', 'Runtime', 'Accessibility']) {
      await this.send(`${domain}.enable`);
    }
    await this.send('Emulation.setDeviceMetricsOverride',
      {width, height: 900, deviceScaleFactor: 1, mobile: false});
    await this.send('Emulation.setEmulatedMedia',
      {features: [{name: 'prefers-color-scheme', value: dark ? 'dark' : 'light'}]});
    const loaded = new Promise((resolve) => {
      this.loaded = resolve;
    });
    await this.send('Page.navigate', {url});
    await loaded;
  }

  // The value of an expression in the page.
  async value(expression) {
    const {result, exceptionDetails} =
      await this.send('Runtime.evaluate', {expression, returnByValue: true});
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return result.value;
  }

  // The whole page as a PNG.
  async picture() {
    const {cssContentSize} = await this.send('Page.getLayoutMetrics');
    const clip = {x: 0, y: 0, width: cssContentSize.width, height: cssContentSize.height, scale: 1};
    const {data} = await this.send('Page.captureScreenshot', {captureBeyondViewport: true, clip});
    return Buffer.from(data, 'base64');
  }
}
