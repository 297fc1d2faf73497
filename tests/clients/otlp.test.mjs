// What weir posts to a collector, read by the message types that OpenTelemetry's own exporters are
// built of.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { scenario, Sim } from './sim.mjs';

const { opentelemetry } = createRequire(import.meta.url)(
  '@opentelemetry/otlp-transformer/build/src/generated/root.js');
const { collector, metrics, trace } = opentelemetry.proto;
const kTypes = {
  '/v1/traces': collector.trace.v1.ExportTraceServiceRequest,
  '/v1/metrics': collector.metrics.v1.ExportMetricsServiceRequest,
};
const kIdBytes = { traceId: 16, spanId: 8, parentSpanId: 8 };
const { SPAN_KIND_CLIENT, SPAN_KIND_INTERNAL } = trace.v1.Span.SpanKind;
const { STATUS_CODE_ERROR } = trace.v1.Status.StatusCode;
const { AGGREGATION_TEMPORALITY_CUMULATIVE } = metrics.v1.AggregationTemporality;

// A copy whose members have gone through `change`; undefined leaves one away.
function mapMembers(value, change) {
  if (Array.isArray(value)) return value.map((item) => mapMembers(item, change));
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value)
    .map(([key, item]) => [key, change(key, mapMembers(item, change))])
    .filter(([, item]) => item !== undefined));
}

// OTLP writes ids in hexadecimal where the JSON form of other bytes is base64.
function idOf(key, text) {
  if (!(key in kIdBytes)) return text;
  assert.match(text, new RegExp(`^[0-9a-f]{${2 * kIdBytes[key]}}$`), `${key} is ${text}`);
  assert.match(text, /[^0]/, `${key} is all zeros`);
  return Buffer.from(text, 'hex');
}

// The message of a body, through its binary form. What the types do not know does not survive that,
// and comes back in the one right spelling: so what comes back must be what was posted.
function decode(path, body) {
  const Type = kTypes[path];
  const posted = JSON.parse(body);
  const message = Type.fromObject(mapMembers(posted, idOf));
  assert.equal(Type.verify(message), null);
  const read = Type.toObject(Type.decode(Type.encode(message).finish()), { longs: String });
  const again = mapMembers(read, (key, item) =>
    key in kIdBytes ? Buffer.from(item).toString('hex') : item);
  // An empty list and none are the same message.
  const filled = (_, item) => (Array.isArray(item) && item.length === 0 ? undefined : item);
  assert.deepEqual(again, mapMembers(posted, filled));
  return again;
}

function attributesOf({ attributes = [] }) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value]));
}

// Takes what is posted to it.
class Collector {
  posts = [];
  #server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    this.posts.push({ path: request.url, type: request.headers['content-type'], body });
    response.setHeader('content-type', 'application/json').end('{}');
  });

  async start() {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  messages(path) {
    return this.posts.filter((post) => post.path === path).map(({ body }) => decode(path, body));
  }

  spans() {
    return this.messages('/v1/traces').flatMap(({ resourceSpans: [{ scopeSpans }] }) =>
      scopeSpans.flatMap(({ spans }) => spans));
  }
}

// `weir call` on an engine at `url`, with telemetry for `collector`; how it ended.
async function call(collector, folder, url, ...words) {
  const config = join(folder, 'weir.yaml');
  await writeFile(config, JSON.stringify({
    engines: { main: { base_url: url, model: 'sim-model', retry: { max_retries: 0 } } },
    events: { otlp: collector.url },
  }));
  const child = spawn(process.env.WEIR_BIN, ['--config', config, 'call', '-o', 'json', ...words],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH } });
  let out = '';
  let said = '';
  child.stdout.on('data', (bytes) => { out += bytes; });
  child.stderr.on('data', (bytes) => { said += bytes; });
  const [code] = await once(child, 'close');
  assert.match(out, /^{/, `weir call printed no answer: ${said}`);
  return { code, said, answer: JSON.parse(out) };
}

describe('a collector of OpenTelemetry', () => {
  let sim, folder, collector, done;
  before(async () => {
    sim = await Sim.start('--instant', '--scenario', scenario('weather'));
    folder = await mkdtemp(join(tmpdir(), 'weir-otlp-'));
    collector = await new Collector().start();
    done = await call(collector, folder, sim.url, 'Why is the sky blue?');
  });
  after(async () => {
    collector?.stop();
    if (folder) await rm(folder, { recursive: true });
    await sim?.stop();
  });

  // The attributes that the span and the figures of the call have in common.
  const kCommon = {
    'gen_ai.operation.name': { stringValue: 'chat' },
    'gen_ai.provider.name': { stringValue: 'vllm' },
    'gen_ai.system': { stringValue: 'vllm' },
    'gen_ai.request.model': { stringValue: 'sim-model' },
    'gen_ai.response.model': { stringValue: 'sim-model' },
  };

  test('can decode every body', () => {
    assert.deepEqual([done.code, done.said], [0, '']);
    assert.deepEqual([...new Set(collector.posts.map(({ path }) => path))].toSorted(),
      Object.keys(kTypes).toSorted());
    for (const { path, type, body } of collector.posts) {
      assert.equal(type, 'application/json');
      decode(path, body);
    }
  });

  test('hears who posts', () => {
    const [{ resourceSpans: [{ resource, scopeSpans: [{ scope }] }] }] =
      collector.messages('/v1/traces');
    assert.deepEqual(attributesOf(resource)['service.name'], { stringValue: 'weir' });
    assert.equal(scope.name, 'weir');
  });

  test('gets a client span with what was asked and answered', () => {
    const [span, ...more] = collector.spans().filter(({ kind }) => kind === SPAN_KIND_CLIENT);
    assert.deepEqual(more, []);
    assert.equal(span.name, 'chat sim-model');
    assert.deepEqual(span.status, {});
    assert.ok(BigInt(span.startTimeUnixNano) <= BigInt(span.endTimeUnixNano));
    const { 'gen_ai.response.id': id, ...attributes } = attributesOf(span);
    assert.ok(id.stringValue.length > 0);
    assert.deepEqual(attributes, {
      ...kCommon,
      'gen_ai.response.finish_reasons': { arrayValue: { values: [{ stringValue: 'stop' }] } },
      'gen_ai.usage.input_tokens': { intValue: String(done.answer.usage.prompt_tokens) },
      'gen_ai.usage.output_tokens': { intValue: String(done.answer.usage.completion_tokens) },
    });
  });

  test('gets spans that form one tree', () => {
    const spans = collector.spans();
    assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    assert.equal(ids.size, spans.length, 'two spans of one id');
    const [root, ...more] = spans.filter(({ parentSpanId }) => !parentSpanId);
    assert.deepEqual(more, []);
    assert.equal(root.kind, SPAN_KIND_INTERNAL);
    for (const { parentSpanId } of spans) assert.ok(!parentSpanId || ids.has(parentSpanId));
  });

  test('gets the figures of the call as histograms', () => {
    const [{ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }] =
      collector.messages('/v1/metrics');
    const { usage } = done.answer;
    const found = metrics.flatMap(({ name, unit, histogram }) => {
      assert.equal(histogram.aggregationTemporality, AGGREGATION_TEMPORALITY_CUMULATIVE);
      return histogram.dataPoints.map((point) => {
        assert.equal(point.bucketCounts.length, point.explicitBounds.length + 1);
        assert.equal(point.count, '1');
        assert.deepEqual(point.bucketCounts.filter((count) => count !== '0'), ['1']);
        const { 'gen_ai.token.type': type, ...attributes } = attributesOf(point);
        assert.deepEqual(attributes, kCommon);
        return [name, unit, type?.stringValue, type ? point.sum : point.sum > 0];
      });
    });
    assert.deepEqual(found.toSorted(), [
      ['gen_ai.client.operation.duration', 's', undefined, true],
      ['gen_ai.client.token.usage', '{token}', 'input', usage.prompt_tokens],
      ['gen_ai.client.token.usage', '{token}', 'output', usage.completion_tokens],
    ]);
  });

  test('is told of a call that fails', async () => {
    const other = await new Collector().start();
    const failed = await call(other, folder, sim.url, '-m', 'no-such-model', 'hi');
    other.stop();
    assert.notEqual(failed.code, 0);
    for (const { path, body } of other.posts) decode(path, body);
    const [span] = other.spans().filter(({ kind }) => kind === SPAN_KIND_CLIENT);
    assert.equal(span.status.code, STATUS_CODE_ERROR);
    assert.ok(span.status.message.length > 0);
    assert.deepEqual(attributesOf(span)['error.type'], { stringValue: 'http_404' });
  });
});

// Or nothing would be shown by what it accepts.
describe('the decoder of OTLP', () => {
  const bodyWith = (span) => JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{
    traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), name: 'it', ...span }] }] }] });

  test('takes a right body', () => {
    decode('/v1/traces', bodyWith({ kind: 3, startTimeUnixNano: '1700000000000000001' }));
  });
  for (const [name, span] of Object.entries({
    'a field that nobody knows': { colour: 'blue' },
    'a field in snake case': { start_time_unix_nano: '1' },
    'a number for 64 bits': { startTimeUnixNano: 17 },
    'an enumerator by its name': { kind: 'SPAN_KIND_CLIENT' },
    'an id in base64': { spanId: 'u7u7u7u7u7s=' },
    'an id that is too short': { traceId: 'a'.repeat(16) },
    'a number for a text': { name: 5 },
    'an attribute of two values': {
      attributes: [{ key: 'a', value: { stringValue: 'a', intValue: '1' } }] },
  })) {
    test(`refuses ${name}`, () => assert.throws(() => decode('/v1/traces', bodyWith(span))));
  }
});
