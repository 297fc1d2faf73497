// Chat of the openai package: whole, streamed, through its stream helper, and cut off.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI, { APIUserAbortError } from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';

import { checkLogprobs, checkOpenAiUsage, checkText, collect } from './check.mjs';
import { eventually, Sim } from './sim.mjs';

const model = 'sim-model';
const messages = [
  { role: 'system', content: 'You are brief.' },
  { role: 'user', content: 'Why is the sky blue?' },
];

describe('openai chat', () => {
  let sim, client;
  before(async () => {
    sim = await Sim.start('--instant');
    client = new OpenAI({ baseURL: sim.v1, apiKey: 'none', maxRetries: 0 });
  });
  after(() => sim?.stop());

  test('models.list names the model', async () => {
    const models = await collect(client.models.list());
    assert.deepEqual(models.map((entry) => entry.id), [model]);
    assert.equal(models[0].object, 'model');
    assert.ok(Number.isInteger(models[0].created));
    checkText(models[0].owned_by);
  });

  test('a whole answer', async () => {
    const reply = await client.chat.completions.create({ model, messages });
    assert.equal(reply.object, 'chat.completion');
    assert.equal(reply.model, model);
    checkText(reply.id);
    assert.ok(Number.isInteger(reply.created));
    assert.equal(reply.choices.length, 1);
    assert.equal(reply.choices[0].index, 0);
    assert.equal(reply.choices[0].message.role, 'assistant');
    assert.equal(reply.choices[0].message.refusal, null);
    assert.equal(reply.choices[0].finish_reason, 'stop');
    checkText(reply.choices[0].message.content);
    checkOpenAiUsage(reply.usage);
  });

  test('a stream tells the same text, then the usage', async () => {
    const request = { model, messages, seed: 3 };
    const whole = await client.chat.completions.create(request);
    const chunks = await collect(await client.chat.completions.create(
      { ...request, stream: true, stream_options: { include_usage: true } }));
    assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
    assert.ok(chunks.every((chunk) => chunk.object === 'chat.completion.chunk'));
    const last = chunks.pop();
    assert.deepEqual(last.choices, []);
    assert.ok(chunks.every((chunk) => !chunk.usage), 'the usage comes once, at the end');
    assert.equal(chunks[0].choices[0].delta.role, 'assistant');
    assert.equal(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join(''),
      whole.choices[0].message.content);
    const finishes = chunks.map((chunk) => chunk.choices[0].finish_reason).filter(Boolean);
    assert.deepEqual(finishes, ['stop']);
    checkOpenAiUsage(last.usage);
    assert.equal(last.usage.completion_tokens, whole.usage.completion_tokens);
    assert.equal(last.usage.prompt_tokens, whole.usage.prompt_tokens);
  });

  test('the same seed gives the same text, another one another', async () => {
    const ask = async (seed) => {
      const reply = await client.chat.completions.create({ model, messages, seed });
      return reply.choices[0].message.content;
    };
    assert.equal(await ask(7), await ask(7));
    assert.notEqual(await ask(7), await ask(8));
  });

  test('max_completion_tokens and stop cut the answer', async () => {
    const short = await client.chat.completions.create(
      { model, messages, max_completion_tokens: 3 });
    assert.equal(short.choices[0].finish_reason, 'length');
    assert.equal(short.usage.completion_tokens, 3);
    const whole = await client.chat.completions.create({ model, messages, seed: 1 });
    const text = whole.choices[0].message.content;
    const word = text.split(' ')[3];
    const stopped = await client.chat.completions.create({ model, messages, seed: 1, stop: word });
    assert.equal(stopped.choices[0].finish_reason, 'stop');
    assert.equal(stopped.choices[0].message.content, text.slice(0, text.indexOf(word)));
  });

  test('n gives as many choices, each its own', async () => {
    const reply = await client.chat.completions.create({ model, messages, n: 3, seed: 1 });
    assert.deepEqual(reply.choices.map((choice) => choice.index), [0, 1, 2]);
    const texts = reply.choices.map((choice) => choice.message.content);
    texts.forEach(checkText);
    assert.equal(new Set(texts).size, 3);
    const chunks = await collect(await client.chat.completions.create(
      { model, messages, n: 3, seed: 1, stream: true }));
    const streamed = ['', '', ''];
    for (const { choices: [choice] } of chunks) {
      streamed[choice.index] += choice.delta.content ?? '';
    }
    assert.deepEqual(streamed, texts);
  });

  test('logprobs of every token, whole and streamed', async () => {
    const request = { model, messages, seed: 1, logprobs: true, top_logprobs: 3, max_tokens: 12 };
    const whole = await client.chat.completions.create(request);
    const tokens = whole.choices[0].logprobs.content;
    checkLogprobs(tokens, 3);
    assert.equal(tokens.length, whole.usage.completion_tokens);
    assert.equal(tokens.map((token) => token.token).join(''), whole.choices[0].message.content);
    const chunks = await collect(await client.chat.completions.create({ ...request, stream: true }));
    const streamed = chunks.flatMap((chunk) => chunk.choices[0].logprobs?.content ?? []);
    assert.deepEqual(streamed, tokens);
  });

  test('the stream helper tells deltas, snapshots and the final completion', async () => {
    const stream = client.chat.completions.stream(
      { model, messages, seed: 5, stream_options: { include_usage: true } });
    const seen = [];
    let joined = '';
    stream.on('content', (delta, snapshot) => {
      joined += delta;
      assert.equal(snapshot, joined);
      seen.push('content');
    });
    stream.on('content.done', ({ content }) => {
      assert.equal(content, joined);
      seen.push('content.done');
    });
    stream.on('finalChatCompletion', () => seen.push('finalChatCompletion'));
    stream.on('end', () => seen.push('end'));
    const final = await stream.finalChatCompletion();
    await stream.done();
    assert.deepEqual(seen.filter((name, at) => name !== seen[at - 1]),
      ['content', 'content.done', 'finalChatCompletion', 'end']);
    assert.equal(final.choices[0].message.content, joined);
    assert.equal(await stream.finalContent(), joined);
    assert.equal(final.choices[0].finish_reason, 'stop');
    checkText(joined);
    checkOpenAiUsage(final.usage);
  });

  const person = z.object({
    name: z.string().min(1),
    age: z.number().int().min(0).max(150),
    mood: z.enum(['calm', 'cross']),
    tags: z.array(z.string()).max(4),
    address: z.object({ town: z.string(), zip: z.string().nullable() }),
  });

  test('parse gives an object of the zod schema', async () => {
    const reply = await client.chat.completions.parse(
      { model, messages, response_format: zodResponseFormat(person, 'person') });
    const { parsed, content } = reply.choices[0].message;
    assert.deepEqual(person.strict().parse(JSON.parse(content)), parsed);
    assert.equal(reply.choices[0].finish_reason, 'stop');
  });

  test('the stream helper parses what it streams', async () => {
    const stream = client.chat.completions.stream(
      { model, messages, response_format: zodResponseFormat(person, 'person') });
    let last;
    stream.on('content.delta', ({ parsed }) => { last = parsed; });
    const final = await stream.finalChatCompletion();
    assert.deepEqual(last, final.choices[0].message.parsed);
    person.strict().parse(final.choices[0].message.parsed);
  });

  test('json_object gives an object', async () => {
    const reply = await client.chat.completions.create(
      { model, messages, response_format: { type: 'json_object' } });
    const value = JSON.parse(reply.choices[0].message.content);
    assert.ok(value !== null && typeof value === 'object' && !Array.isArray(value));
  });

  test('content parts and earlier turns are taken', async () => {
    const reply = await client.chat.completions.create({
      model,
      messages: [
        ...messages,
        { role: 'assistant', content: 'Because of Rayleigh.' },
        { role: 'user', content: [
          { type: 'text', text: 'What stands here?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
        ] },
      ],
    });
    checkText(reply.choices[0].message.content);
    assert.ok(reply.usage.prompt_tokens > 256, 'a picture costs tokens');
  });
});

describe('openai chat that is aborted', () => {
  let sim, client;
  const endless = { model, messages, stream: true, max_tokens: 5000, ignore_eos: true };
  before(async () => {
    sim = await Sim.start('--ttft', '1', '--itl', '20');
    client = new OpenAI({ baseURL: sim.v1, apiKey: 'none', maxRetries: 0 });
  });
  after(() => sim?.stop());

  const idle = () => eventually('the aborted request still runs', async () => {
    const { server_load: load } = await (await fetch(`${sim.url}/load`)).json();
    return load === 0 ? true : undefined;
  });

  async function abortAfter(chunks) {
    const controller = new AbortController();
    const stream = await client.chat.completions.create(endless, { signal: controller.signal });
    let seen = 0;
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content && ++seen === chunks) controller.abort();
    }
    assert.equal(seen, chunks);
  }

  test('the server is healthy after an abort in mid stream', async () => {
    await abortAfter(3);
    await idle();
    assert.equal((await fetch(`${sim.url}/health`)).status, 200);
    const reply = await client.chat.completions.create({ model, messages, max_tokens: 2 });
    checkText(reply.choices[0].message.content);
  });

  test('an abort of the stream helper is an APIUserAbortError', async () => {
    const stream = client.chat.completions.stream(endless);
    stream.on('content', () => stream.abort());
    await assert.rejects(stream.done(), APIUserAbortError);
    await idle();
  });

  test('an abort before the answer of a whole call', async () => {
    const controller = new AbortController();
    const call = client.chat.completions.create({ ...endless, stream: false },
      { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await assert.rejects(call, APIUserAbortError);
    await idle();
  });

  test('/metrics counts the aborts', async () => {
    const counted = async () => {
      const reply = await fetch(`${sim.url}/metrics`);
      assert.equal(reply.status, 200);
      const line = (await reply.text()).split('\n').find((text) =>
        text.startsWith('vllm:request_success_total{') &&
        text.includes('finished_reason="abort"'));
      assert.ok(line, 'no vllm:request_success_total with finished_reason="abort"');
      return Number(line.split(' ').pop());
    };
    const began = await counted();
    await abortAfter(2);
    await eventually('the abort is not counted', async () =>
      (await counted()) === began + 1 ? true : undefined);
  });
});
