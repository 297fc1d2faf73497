// Completions and embeddings of the openai package.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';

import { checkOpenAiUsage, checkText, checkVector, collect } from './check.mjs';
import { Sim } from './sim.mjs';

const model = 'sim-model';
const prompt = 'Once upon a time';

describe('openai completions', () => {
  let sim, client;
  before(async () => {
    sim = await Sim.start('--instant');
    client = new OpenAI({ baseURL: sim.v1, apiKey: 'none', maxRetries: 0 });
  });
  after(() => sim?.stop());

  test('a whole answer', async () => {
    const reply = await client.completions.create({ model, prompt, max_tokens: 2000 });
    assert.equal(reply.object, 'text_completion');
    assert.equal(reply.model, model);
    assert.equal(reply.choices[0].finish_reason, 'stop');
    assert.equal(reply.choices[0].index, 0);
    checkText(reply.choices[0].text);
    checkOpenAiUsage(reply.usage);
  });

  test('the default of max_tokens is 16', async () => {
    const reply = await client.completions.create({ model, prompt });
    assert.equal(reply.choices[0].finish_reason, 'length');
    assert.equal(reply.usage.completion_tokens, 16);
  });

  test('a stream tells the same text, then the usage', async () => {
    const request = { model, prompt, seed: 4, max_tokens: 60 };
    const whole = await client.completions.create(request);
    const again = await client.completions.create(request);
    assert.equal(again.choices[0].text, whole.choices[0].text);
    const chunks = await collect(await client.completions.create(
      { ...request, stream: true, stream_options: { include_usage: true } }));
    const last = chunks.pop();
    assert.deepEqual(last.choices, []);
    assert.deepEqual(last.usage.total_tokens, whole.usage.total_tokens);
    checkOpenAiUsage(last.usage);
    assert.ok(chunks.length > 1);
    assert.ok(chunks.every((chunk) => chunk.object === 'text_completion'));
    assert.equal(chunks.map((chunk) => chunk.choices[0].text).join(''), whole.choices[0].text);
    assert.equal(chunks.at(-1).choices[0].finish_reason, whole.choices[0].finish_reason);
  });

  test('several prompts and n give their choices in order', async () => {
    const reply = await client.completions.create(
      { model, prompt: [prompt, 'The end of'], n: 2, max_tokens: 8 });
    assert.deepEqual(reply.choices.map((choice) => choice.index), [0, 1, 2, 3]);
    reply.choices.forEach((choice) => checkText(choice.text));
    checkOpenAiUsage(reply.usage);
  });

  test('echo puts the prompt in front', async () => {
    const request = { model, prompt, seed: 2, max_tokens: 8 };
    const plain = await client.completions.create(request);
    const echoed = await client.completions.create({ ...request, echo: true });
    assert.equal(echoed.choices[0].text, prompt + plain.choices[0].text);
  });

  test('logprobs name each token, its place and its rivals', async () => {
    const reply = await client.completions.create({ model, prompt, max_tokens: 8, logprobs: 2 });
    const { text, logprobs } = reply.choices[0];
    assert.equal(logprobs.tokens.join(''), text);
    assert.equal(logprobs.tokens.length, 8);
    assert.equal(logprobs.token_logprobs.length, 8);
    assert.ok(logprobs.token_logprobs.every((value) => value <= 0));
    let offset = 0;
    logprobs.tokens.forEach((token, at) => {
      assert.equal(logprobs.text_offset[at], offset);
      assert.ok(Object.keys(logprobs.top_logprobs[at]).length >= 2);
      offset += token.length;
    });
  });
});

describe('openai embeddings', () => {
  const input = ['a blue sky', 'a grey sky', 'a blue sky'];
  let sim, client;
  before(async () => {
    sim = await Sim.start('--instant');
    client = new OpenAI({ baseURL: sim.v1, apiKey: 'none', maxRetries: 0 });
  });
  after(() => sim?.stop());

  function check(reply, count, dimensions) {
    assert.equal(reply.object, 'list');
    assert.equal(reply.model, model);
    assert.deepEqual(reply.data.map((item) => item.index), [...Array(count).keys()]);
    for (const item of reply.data) {
      assert.equal(item.object, 'embedding');
      checkVector(item.embedding, dimensions ?? reply.data[0].embedding.length);
    }
    assert.ok(reply.usage.prompt_tokens > 0);
    assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens);
  }

  test('floats: the same text has the same vector, another one another', async () => {
    const reply = await client.embeddings.create({ model, input, encoding_format: 'float' });
    check(reply, 3);
    const [blue, grey, again] = reply.data.map((item) => item.embedding);
    assert.deepEqual(blue, again);
    assert.notDeepEqual(blue, grey);
  });

  test('the package asks for base64 by itself, and reads the same numbers', async () => {
    const floats = await client.embeddings.create({ model, input, encoding_format: 'float' });
    const packed = await client.embeddings.create({ model, input });
    check(packed, 3);
    packed.data.forEach((item, at) => assert.deepEqual(
      item.embedding, [...Float32Array.from(floats.data[at].embedding)]));
  });

  test('base64 that the caller asks for stays base64', async () => {
    const reply = await client.embeddings.create({ model, input: 'x', encoding_format: 'base64' });
    assert.equal(typeof reply.data[0].embedding, 'string');
    const bytes = Buffer.from(reply.data[0].embedding, 'base64');
    assert.equal(bytes.length % 4, 0);
    assert.equal(bytes.toString('base64'), reply.data[0].embedding);
  });

  test('dimensions shortens the vector, which stays of length 1', async () => {
    check(await client.embeddings.create({ model, input, dimensions: 64 }), 3, 64);
  });

  test('token ids are taken', async () => {
    check(await client.embeddings.create({ model, input: [[1, 2, 3], [4, 5]] }), 2);
  });
});
