// The ollama package against the simulator's Ollama face.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Ollama } from 'ollama';
import { z } from 'zod';

import { checkText, checkUsage, checkVector, collect } from './check.mjs';
import { scenario, Sim } from './sim.mjs';
import { kAnswer, kQuestion, kWeatherTool, weatherOf } from './weather.mjs';

const messages = [{ role: 'user', content: 'Why is the sky blue?' }];
const prompt = 'Once upon a time';
const town = z.object({ name: z.string().min(1), people: z.number().int().min(0) }).strict();

// The numbers that end every answer: counts, and nanoseconds.
function checkEnd(reply, reason = 'stop') {
  assert.equal(reply.done, true);
  assert.equal(reply.done_reason, reason);
  checkUsage(reply.prompt_eval_count, reply.eval_count,
    reply.prompt_eval_count + reply.eval_count);
  for (const name of ['total_duration', 'load_duration', 'prompt_eval_duration',
    'eval_duration']) {
    assert.ok(Number.isInteger(reply[name]) && reply[name] >= 0, `${name} is ${reply[name]}`);
  }
  assert.ok(reply.total_duration >= reply.eval_duration);
}

// All parts but the last are unfinished, of one model, and dated.
function checkParts(parts, model) {
  for (const part of parts) {
    assert.equal(part.model, model);
    assert.ok(Number.isFinite(Date.parse(part.created_at)), `created_at ${part.created_at}`);
  }
  assert.ok(parts.length > 2, 'a stream of one part');
  assert.ok(parts.slice(0, -1).every((part) => part.done === false));
}

function checkDetails(details) {
  for (const name of ['format', 'family', 'parameter_size', 'quantization_level']) {
    assert.equal(typeof details[name], 'string', `details.${name}`);
  }
  assert.equal(typeof details.parent_model, 'string');
  assert.ok(Array.isArray(details.families));
}

describe('ollama', () => {
  let sim, client, model;
  before(async () => {
    sim = await Sim.start('--instant', '--dialect', 'ollama', '--scenario', scenario('weather'));
    client = new Ollama({ host: sim.url });
    model = (await client.list()).models[0].name;
  });
  after(() => sim?.stop());

  test('list tells the models', async () => {
    const { models } = await client.list();
    assert.equal(models.length, 1);
    for (const entry of models) {
      checkText(entry.name);
      assert.equal(entry.model, entry.name);
      assert.ok(Number.isInteger(entry.size) && entry.size > 0);
      assert.match(entry.digest, /^[0-9a-f]{64}$/);
      assert.ok(Number.isFinite(Date.parse(entry.modified_at)));
      checkDetails(entry.details);
    }
  });

  test('show tells one model', async () => {
    const shown = await client.show({ model });
    checkDetails(shown.details);
    assert.ok(shown.capabilities.includes('completion'));
    assert.ok(shown.capabilities.includes('tools'));
    assert.ok(Object.keys(shown.model_info).length > 0);
    assert.ok(Number.isFinite(Date.parse(shown.modified_at)));
    for (const name of ['modelfile', 'template']) assert.equal(typeof shown[name], 'string');
  });

  test('ps tells what is loaded', async () => {
    await client.chat({ model, messages });
    const { models } = await client.ps();
    assert.deepEqual(models.map((entry) => entry.model), [model]);
    assert.ok(Number.isFinite(Date.parse(models[0].expires_at)));
    assert.ok(Number.isInteger(models[0].size_vram));
    checkDetails(models[0].details);
  });

  test('version is three numbers', async () => {
    assert.match((await client.version()).version, /^\d+\.\d+\.\d+/);
  });

  test('chat, whole', async () => {
    const reply = await client.chat({ model, messages });
    assert.equal(reply.model, model);
    assert.equal(reply.message.role, 'assistant');
    checkText(reply.message.content);
    checkEnd(reply);
  });

  test('chat, streamed, tells the same text', async () => {
    const request = { model, messages, options: { seed: 3 } };
    const whole = await client.chat(request);
    const parts = await collect(await client.chat({ ...request, stream: true }));
    checkParts(parts, model);
    assert.ok(parts.every((part) => part.message.role === 'assistant'));
    assert.equal(parts.map((part) => part.message.content).join(''), whole.message.content);
    checkEnd(parts.at(-1));
    assert.equal(parts.at(-1).eval_count, whole.eval_count);
  });

  test('the same seed gives the same text, another one another', async () => {
    const ask = async (seed) =>
      (await client.chat({ model, messages, options: { seed } })).message.content;
    assert.equal(await ask(7), await ask(7));
    assert.notEqual(await ask(7), await ask(8));
  });

  test('num_predict cuts the answer', async () => {
    const reply = await client.chat({ model, messages, options: { num_predict: 3 } });
    checkEnd(reply, 'length');
    assert.equal(reply.eval_count, 3);
  });

  test('chat calls a tool, and puts its result into words', async () => {
    const talk = [{ role: 'user', content: kQuestion }];
    const first = await client.chat({ model, messages: talk, tools: [kWeatherTool] });
    checkEnd(first);
    const [call, ...more] = first.message.tool_calls;
    assert.deepEqual(more, []);
    assert.equal(call.function.name, 'get_weather');
    assert.deepEqual(call.function.arguments, { city: 'Paris' });
    const second = await client.chat({
      model,
      tools: [kWeatherTool],
      messages: [...talk, first.message,
        { role: 'tool', tool_name: 'get_weather', content: weatherOf(call.function.arguments) }],
    });
    assert.equal(second.message.content, kAnswer);
    assert.ok(!second.message.tool_calls?.length);
  });

  test('chat streams a tool call in one piece', async () => {
    const parts = await collect(await client.chat({
      model, messages: [{ role: 'user', content: kQuestion }], tools: [kWeatherTool], stream: true,
    }));
    const calls = parts.flatMap((part) => part.message.tool_calls ?? []);
    assert.deepEqual(calls.map((call) => call.function.arguments), [{ city: 'Paris' }]);
    checkEnd(parts.at(-1));
  });

  test('format with a schema gives an object of it', async () => {
    const reply = await client.chat({ model, messages, format: z.toJSONSchema(town) });
    town.parse(JSON.parse(reply.message.content));
    const generated = await client.generate({ model, prompt, format: z.toJSONSchema(town) });
    town.parse(JSON.parse(generated.response));
  });

  test('format json gives an object', async () => {
    const reply = await client.chat({ model, messages, format: 'json' });
    assert.equal(typeof JSON.parse(reply.message.content), 'object');
  });

  test('think puts the thinking beside the answer', async () => {
    const request = { model, messages, options: { seed: 1 }, think: true };
    const reply = await client.chat(request);
    checkText(reply.message.thinking);
    checkText(reply.message.content);
    const parts = await collect(await client.chat({ ...request, stream: true }));
    const kinds = parts.slice(0, -1).map((part) => (part.message.thinking ? 'think' : 'say'));
    assert.deepEqual(kinds, kinds.toSorted().reverse(), 'the thinking comes first');
    assert.equal(parts.map((part) => part.message.thinking ?? '').join(''),
      reply.message.thinking);
    const plain = await client.chat({ ...request, think: false });
    assert.ok(!plain.message.thinking);
  });

  test('generate, whole', async () => {
    const reply = await client.generate({ model, prompt });
    assert.equal(reply.model, model);
    checkText(reply.response);
    checkEnd(reply);
    assert.ok(Array.isArray(reply.context) && reply.context.every(Number.isInteger));
  });

  test('generate, streamed, tells the same text', async () => {
    const request = { model, prompt, system: 'Be brief.', options: { seed: 3 } };
    const whole = await client.generate(request);
    const parts = await collect(await client.generate({ ...request, stream: true }));
    checkParts(parts, model);
    assert.equal(parts.map((part) => part.response).join(''), whole.response);
    checkEnd(parts.at(-1));
  });

  test('embed gives a vector for each text', async () => {
    const input = ['a blue sky', 'a grey sky', 'a blue sky'];
    const reply = await client.embed({ model, input });
    assert.equal(reply.model, model);
    assert.equal(reply.embeddings.length, 3);
    reply.embeddings.forEach((vector) => checkVector(vector, reply.embeddings[0].length));
    assert.deepEqual(reply.embeddings[0], reply.embeddings[2]);
    assert.notDeepEqual(reply.embeddings[0], reply.embeddings[1]);
    assert.ok(reply.prompt_eval_count > 0);
    assert.ok(reply.total_duration >= 0 && reply.load_duration >= 0);
    const one = await client.embed({ model, input: input[0] });
    assert.deepEqual(one.embeddings, [reply.embeddings[0]]);
  });

  test('an unknown model is a ResponseError 404', async () => {
    await assert.rejects(client.chat({ model: 'nobody', messages }), (error) => {
      assert.equal(error.name, 'ResponseError');
      assert.equal(error.status_code, 404);
      assert.match(error.message, /nobody/);
      return true;
    });
  });

  test('an aborted stream leaves the server healthy', async () => {
    const paced = await Sim.start('--ttft', '5', '--itl', '20', '--dialect', 'ollama');
    try {
      const slow = new Ollama({ host: paced.url });
      const stream = await slow.chat({ model, messages, stream: true });
      await assert.rejects(async () => {
        for await (const part of stream) if (part.message.content) stream.abort();
      }, { name: 'AbortError' });
      const short = await slow.chat({ model, messages, options: { num_predict: 3 } });
      checkText(short.message.content);
    } finally {
      await paced.stop();
    }
  });
});
