// The AI SDK (package ai) with its provider for servers that speak OpenAI's API.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, embedMany, generateObject, generateText, stepCountIs, streamObject,
  streamText, tool } from 'ai';
import { z } from 'zod';

import { checkText, checkUsage, checkVector, collect } from './check.mjs';
import { scenario, Sim } from './sim.mjs';
import { kAnswer, kQuestion, weatherOf } from './weather.mjs';

const prompt = 'Why is the sky blue?';
const schema = z.object({
  name: z.string().min(1),
  people: z.number().int().min(0),
  kind: z.enum(['town', 'village']),
}).strict();

const checkCounts = (usage) =>
  checkUsage(usage.inputTokens, usage.outputTokens, usage.totalTokens);

describe('ai with openai-compatible', () => {
  let sim, provider, model, asked;
  before(async () => {
    sim = await Sim.start('--instant', '--scenario', scenario('weather'));
    provider = createOpenAICompatible(
      { name: 'weir', baseURL: sim.v1, includeUsage: true, supportsStructuredOutputs: true });
    model = provider('sim-model');
  });
  after(() => sim?.stop());

  const tools = {
    get_weather: tool({
      description: 'The weather of a town',
      inputSchema: z.object({ city: z.string() }),
      execute: (args) => {
        asked.push(args);
        return weatherOf(args);
      },
    }),
  };

  test('generateText', async () => {
    const reply = await generateText({ model, system: 'Be brief.', prompt, maxRetries: 0 });
    checkText(reply.text);
    assert.equal(reply.finishReason, 'stop');
    assert.equal(reply.response.modelId, 'sim-model');
    checkText(reply.response.id);
    checkCounts(reply.usage);
    assert.deepEqual(reply.warnings, []);
  });

  test('the same seed gives the same text, whole and streamed', async () => {
    const ask = async (seed) => (await generateText({ model, prompt, seed })).text;
    const text = await ask(7);
    assert.equal(await ask(7), text);
    assert.notEqual(await ask(8), text);
    assert.equal(await streamText({ model, prompt, seed: 7 }).text, text);
  });

  test('maxOutputTokens ends with length', async () => {
    const reply = await generateText({ model, prompt, maxOutputTokens: 3 });
    assert.equal(reply.finishReason, 'length');
    assert.equal(reply.usage.outputTokens, 3);
  });

  test('streamText tells its parts in order', async () => {
    const result = streamText({ model, prompt, onError: ({ error }) => assert.fail(error) });
    const parts = await collect(result.fullStream);
    const order = parts.map((part) => part.type).filter((type, at, all) => type !== all[at - 1]);
    assert.deepEqual(order, ['start', 'start-step', 'text-start', 'text-delta', 'text-end',
      'finish-step', 'finish']);
    const text = parts.filter((part) => part.type === 'text-delta').map((part) => part.text);
    assert.equal(text.join(''), await result.text);
    checkText(await result.text);
    assert.equal(await result.finishReason, 'stop');
    checkCounts(await result.usage);
  });

  test('generateText runs a tool and goes on', async () => {
    asked = [];
    const reply = await generateText({ model, prompt: kQuestion, tools, stopWhen: stepCountIs(5) });
    assert.deepEqual(asked, [{ city: 'Paris' }]);
    assert.equal(reply.text, kAnswer);
    assert.deepEqual(reply.steps.map((step) => step.finishReason), ['tool-calls', 'stop']);
    assert.equal(reply.steps[0].toolResults[0].output, weatherOf({ city: 'Paris' }));
    reply.steps.forEach((step) => checkCounts(step.usage));
    checkCounts(reply.totalUsage);
  });

  test('streamText runs a tool and goes on', async () => {
    asked = [];
    const result = streamText({ model, prompt: kQuestion, tools, stopWhen: stepCountIs(5) });
    const types = (await collect(result.fullStream)).map((part) => part.type);
    assert.deepEqual(asked, [{ city: 'Paris' }]);
    assert.equal(await result.text, kAnswer);
    assert.ok(types.indexOf('tool-call') < types.indexOf('tool-result'));
    assert.ok(types.indexOf('tool-result') < types.indexOf('text-delta'));
    assert.ok(!types.includes('error'));
  });

  test('toolChoice required calls a tool', async () => {
    asked = [];
    const reply = await generateText({ model, prompt, tools, toolChoice: 'required' });
    assert.equal(reply.finishReason, 'tool-calls');
    assert.equal(reply.toolCalls[0].toolName, 'get_weather');
    assert.equal(asked.length, reply.toolCalls.length);
  });

  test('generateObject gives an object of the schema', async () => {
    const reply = await generateObject({ model, prompt, schema, maxRetries: 0 });
    schema.parse(reply.object);
    assert.equal(reply.finishReason, 'stop');
    checkCounts(reply.usage);
  });

  test('generateObject gives arrays and choices', async () => {
    const list = await generateObject({ model, prompt, schema, output: 'array', maxRetries: 0 });
    z.array(schema).parse(list.object);
    const choice = await generateObject(
      { model, prompt, output: 'enum', enum: ['calm', 'cross'], maxRetries: 0 });
    assert.ok(['calm', 'cross'].includes(choice.object));
  });

  test('streamObject grows into an object of the schema', async () => {
    const result = streamObject({ model, prompt, schema });
    const partial = await collect(result.partialObjectStream);
    const object = await result.object;
    schema.parse(object);
    assert.deepEqual(partial.at(-1), object);
    assert.ok(partial.length > 1, 'the object came in one piece');
    checkCounts(await result.usage);
  });

  test('embedMany gives a vector for each text', async () => {
    const { embeddings, usage } = await embedMany({
      model: provider.embeddingModel('sim-model'), values: ['a blue sky', 'a grey sky'],
      maxRetries: 0,
    });
    assert.equal(embeddings.length, 2);
    embeddings.forEach((vector) => checkVector(vector));
    assert.ok(usage.tokens > 0);
  });

  test('an error carries the status and the words of the server', async () => {
    const call = generateText({ model: provider('nobody'), prompt, maxRetries: 0 });
    await assert.rejects(call, (error) => {
      assert.ok(APICallError.isInstance(error), String(error));
      assert.equal(error.statusCode, 404);
      assert.match(error.message, /nobody/);
      assert.equal(error.isRetryable, false);
      return true;
    });
  });

  test('an abort ends the stream as aborted', async () => {
    const slow = await Sim.start('--ttft', '1', '--itl', '20');
    try {
      const own = createOpenAICompatible({ name: 'weir', baseURL: slow.v1 });
      const controller = new AbortController();
      const result = streamText(
        { model: own('sim-model'), prompt, abortSignal: controller.signal });
      const types = [];
      for await (const part of result.fullStream) {
        types.push(part.type);
        if (part.type === 'text-delta') controller.abort();
      }
      assert.equal(types.at(-1), 'abort');
      assert.equal((await fetch(`${slow.url}/health`)).status, 200);
    } finally {
      await slow.stop();
    }
  });
});
