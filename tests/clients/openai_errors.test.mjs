// Errors of the openai package: each status becomes its class, and retries obey the server.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI, {
  APIConnectionError, AuthenticationError, BadRequestError, InternalServerError,
  NotFoundError, RateLimitError,
} from 'openai';

import { checkText, collect } from './check.mjs';
import { scenario, Sim } from './sim.mjs';

const model = 'sim-model';
const ask = (content, more) => ({ model, messages: [{ role: 'user', content }], ...more });

async function failure(call, kind, status) {
  let caught;
  await assert.rejects(call, (error) => {
    caught = error;
    return true;
  });
  assert.ok(caught instanceof kind, `${caught.constructor.name} is not a ${kind.name}: ${caught}`);
  assert.equal(caught.status, status);
  checkText(caught.message);
  return caught;
}

describe('openai errors', () => {
  let sim, client;
  before(async () => {
    sim = await Sim.start('--instant', '--scenario', scenario('faults'));
    client = new OpenAI({ baseURL: sim.v1, apiKey: 'none', maxRetries: 0 });
  });
  after(() => sim?.stop());

  // A client that notes when it sent each try.
  function noting(maxRetries) {
    const tries = [];
    const noted = new OpenAI({
      baseURL: sim.v1,
      apiKey: 'none',
      maxRetries,
      fetch: (url, options) => {
        tries.push({ at: performance.now(), headers: new Headers(options.headers) });
        return fetch(url, options);
      },
    });
    return [noted, tries];
  }

  test('400 is a BadRequestError that names the parameter', async () => {
    const error = await failure(
      client.chat.completions.create(ask('hi', { temperature: -1 })), BadRequestError, 400);
    assert.match(error.message, /temperature/);
    assert.equal(error.param, 'temperature');
    assert.equal(error.code, 400);
    checkText(error.type);
  });

  test('a schema that cannot be obeyed is a BadRequestError', async () => {
    const response_format =
      { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'nonsense' } } };
    await failure(
      client.chat.completions.create(ask('hi', { response_format })), BadRequestError, 400);
  });

  test('too long a prompt is a BadRequestError', async () => {
    await failure(client.chat.completions.create(ask('word '.repeat(40_000))),
      BadRequestError, 400);
  });

  test('an unknown model is a NotFoundError', async () => {
    const error = await failure(client.chat.completions.create(
      { ...ask('hi'), model: 'nobody' }), NotFoundError, 404);
    assert.match(error.message, /nobody/);
    assert.equal(error.type, 'NotFoundError');
    await failure(client.completions.create({ model: 'nobody', prompt: 'hi' }), NotFoundError, 404);
  });

  test('an unknown route is a NotFoundError', async () => {
    await failure(client.post('/nowhere', { body: {} }), NotFoundError, 404);
  });

  test('429 is a RateLimitError with the Retry-After header', async () => {
    const error = await failure(
      client.chat.completions.create(ask('always busy')), RateLimitError, 429);
    assert.match(error.message, /slow down/);
    assert.equal(error.headers.get('retry-after'), '1');
  });

  test('500 is an InternalServerError, also for a stream', async () => {
    for (const stream of [false, true]) {
      const error = await failure(client.chat.completions.create(
        ask('always broken', { stream })), InternalServerError, 500);
      assert.match(error.message, /the engine is dead/);
    }
  });

  test('a retry waits as long as Retry-After says', async () => {
    const [patient, tries] = noting(1);
    const reply = await patient.chat.completions.create(ask('busy once'));
    checkText(reply.choices[0].message.content);
    assert.equal(tries.length, 2);
    // Two seconds; by itself the package would wait half of one.
    assert.ok(tries[1].at - tries[0].at >= 1_990, `${tries[1].at - tries[0].at} ms`);
    assert.equal(tries[1].headers.get('x-stainless-retry-count'), '1');
  });

  test('a 503 is tried again', async () => {
    const [patient, tries] = noting(1);
    checkText((await patient.chat.completions.create(ask('broken once')))
      .choices[0].message.content);
    assert.equal(tries.length, 2);
  });

  test('a 400 is not tried again', async () => {
    const [patient, tries] = noting(2);
    await failure(patient.chat.completions.create(ask('hi', { top_p: 7 })), BadRequestError, 400);
    assert.equal(tries.length, 1);
  });

  test('a stream that is cut off is an error, not a short answer', async () => {
    const stream = await client.chat.completions.create(ask('cut', { stream: true }));
    let seen = 0;
    await assert.rejects(async () => {
      for await (const chunk of stream) seen += chunk.choices[0].delta.content ? 1 : 0;
    });
    assert.ok(seen > 0 && seen <= 5, `${seen} pieces came`);
  });

  test('a page instead of a stream is no answer', async () => {
    await assert.rejects(async () => {
      const stream = client.chat.completions.stream(ask('a page'));
      await stream.finalChatCompletion();
    });
  });

  test('nobody listening is an APIConnectionError', async () => {
    const gone = await Sim.start('--instant');
    const { v1 } = gone;
    await gone.stop();
    const lost = new OpenAI({ baseURL: v1, apiKey: 'none', maxRetries: 0 });
    await assert.rejects(lost.models.list(), APIConnectionError);
  });
});

describe('openai against a server with a key', () => {
  let sim;
  before(async () => { sim = await Sim.start('--instant', '--api-key', 'secret'); });
  after(() => sim?.stop());

  test('a wrong key is an AuthenticationError on every route', async () => {
    const client = new OpenAI({ baseURL: sim.v1, apiKey: 'wrong', maxRetries: 0 });
    await failure(client.chat.completions.create(ask('hi')), AuthenticationError, 401);
    await failure(client.chat.completions.create(ask('hi', { stream: true })),
      AuthenticationError, 401);
    await failure(client.completions.create({ model, prompt: 'hi' }), AuthenticationError, 401);
    await failure(collect(client.models.list()), AuthenticationError, 401);
    await failure(client.embeddings.create({ model, input: 'hi' }), AuthenticationError, 401);
    await failure(client.responses.create({ model, input: 'hi' }), AuthenticationError, 401);
  });

  test('the right key is let in, and /health needs none', async () => {
    const client = new OpenAI({ baseURL: sim.v1, apiKey: 'secret', maxRetries: 0 });
    checkText((await client.chat.completions.create(ask('hi'))).choices[0].message.content);
    assert.equal((await fetch(`${sim.url}/health`)).status, 200);
  });
});
