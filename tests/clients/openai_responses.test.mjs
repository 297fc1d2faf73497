// The Responses API of the openai package, held against its own types.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI, { BadRequestError, NotFoundError } from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';

import { checkText, checkUsage, collect } from './check.mjs';
import { itemEvents, response as shape, streamEvent } from './responses_shape.mjs';
import { scenario, Sim } from './sim.mjs';
import { kAnswer, kBoth, kCity, kQuestion, weatherOf } from './weather.mjs';

const model = 'sim-model';
const input = 'Why is the sky blue?';
const weather = { type: 'function', name: 'get_weather', parameters: kCity, strict: true };
const town = z.object({ name: z.string().min(1), people: z.number().int().min(0) }).strict();

function checkWhole(reply, status = 'completed') {
  shape.parse(reply);
  assert.equal(reply.status, status);
  assert.equal(reply.model, model);
  const { usage } = reply;
  checkUsage(usage.input_tokens, usage.output_tokens, usage.total_tokens);
}

const short = (type) => type.replace(/^response\./, '');

// Every event by its type, the numbers without a gap, the events of each item in order, and the
// pieces against the wholes. Gives the last event's response.
function checkEvents(events) {
  events.forEach((event, at) => {
    streamEvent.parse(event);
    assert.equal(event.sequence_number, at, `the number of ${event.type}`);
  });
  const last = events.at(-1);
  assert.deepEqual(events.slice(0, 2).map((event) => short(event.type)),
    ['created', 'in_progress']);
  assert.match(last.type, /^response\.(completed|incomplete)$/);
  assert.deepEqual(events[0].response.output, []);
  assert.equal(events[0].response.status, 'in_progress');
  assert.equal(events[0].response.id, last.response.id);
  const between = events.slice(2, -1);
  assert.ok(between.every((event, at) =>
    at === 0 || event.output_index >= between[at - 1].output_index), 'one item at a time');
  last.response.output.forEach((item, index) =>
    checkItem(item, between.filter((event) => event.output_index === index)));
  const count = new Set(between.map((event) => event.output_index)).size;
  assert.equal(count, last.response.output.length);
  return last.response;
}

function checkItem(item, events) {
  const order = events.map((event) => short(event.type))
    .map((name) => (name.endsWith('.delta') ? `${name}+` : name))
    .filter((name, at, names) => name !== names[at - 1]);
  assert.deepEqual(order, itemEvents[item.type]);
  assert.equal(events[0].item.type, item.type);
  assert.equal(events[0].item.id, item.id);
  assert.deepEqual(events.at(-1).item, item);
  const ids = events.filter((event) => event.item_id).map((event) => event.item_id);
  assert.ok(ids.every((id) => id === item.id), 'the events name their item');
  const joined = events.filter((event) => event.type.endsWith('.delta'))
    .map((event) => event.delta).join('');
  const done = events.find((event) => /(text|arguments)\.done$/.test(event.type));
  assert.equal(joined, done.text ?? done.arguments);
  assert.equal(joined, item.arguments ?? item.content[0].text);
}

describe('openai responses', () => {
  let sim, client;
  before(async () => {
    sim = await Sim.start('--instant', '--scenario', scenario('weather'));
    client = new OpenAI({ baseURL: sim.v1, apiKey: 'none', maxRetries: 0 });
  });
  after(() => sim?.stop());

  test('a whole answer', async () => {
    const reply = await client.responses.create({ model, input });
    checkWhole(reply);
    assert.deepEqual(reply.output.map((item) => item.type), ['message']);
    assert.equal(reply.output_text, reply.output[0].content[0].text);
    checkText(reply.output_text);
  });

  test('what was asked stands in the answer', async () => {
    const reply = await client.responses.create({
      model, input, instructions: 'Be brief.', temperature: 0.5, top_p: 0.9,
      metadata: { ticket: '7' }, max_output_tokens: 300, parallel_tool_calls: false,
      tools: [weather], tool_choice: 'none', truncation: 'disabled',
    });
    checkWhole(reply);
    assert.equal(reply.instructions, 'Be brief.');
    assert.equal(reply.temperature, 0.5);
    assert.equal(reply.top_p, 0.9);
    assert.deepEqual(reply.metadata, { ticket: '7' });
    assert.equal(reply.max_output_tokens, 300);
    assert.equal(reply.parallel_tool_calls, false);
    assert.equal(reply.tools[0].name, 'get_weather');
    assert.deepEqual(reply.tools[0].parameters, kCity);
    assert.equal(reply.tool_choice, 'none');
  });

  test('items of a talk are taken as input', async () => {
    const reply = await client.responses.create({
      model,
      input: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'input_text', text: 'Hello' }] },
        { type: 'message', role: 'assistant', id: 'msg_1', status: 'completed',
          content: [{ type: 'output_text', text: 'Hi.', annotations: [] }] },
        { type: 'message', role: 'user', content: input },
      ],
    });
    checkWhole(reply);
    checkText(reply.output_text);
  });

  test('the same seed gives the same text', async () => {
    const ask = async (seed) =>
      (await client.responses.create({ model, input, seed })).output_text;
    assert.equal(await ask(7), await ask(7));
    assert.notEqual(await ask(7), await ask(8));
  });

  test('the token limit makes it incomplete', async () => {
    const reply = await client.responses.create({ model, input, max_output_tokens: 4 });
    checkWhole(reply, 'incomplete');
    assert.deepEqual(reply.incomplete_details, { reason: 'max_output_tokens' });
    assert.equal(reply.usage.output_tokens, 4);
    checkText(reply.output_text);
  });

  test('a stream tells the events of the types in order', async () => {
    const request = { model, input, seed: 2 };
    const whole = await client.responses.create(request);
    const final = checkEvents(
      await collect(await client.responses.create({ ...request, stream: true })));
    checkWhole(final);
    assert.equal(final.output[0].content[0].text, whole.output_text);
    assert.deepEqual(final.usage, whole.usage);
  });

  test('a stream that the token limit cuts ends as incomplete', async () => {
    const final = checkEvents(await collect(await client.responses.create(
      { model, input, max_output_tokens: 4, stream: true })));
    checkWhole(final, 'incomplete');
    assert.deepEqual(final.incomplete_details, { reason: 'max_output_tokens' });
  });

  test('the stream helper tells deltas, snapshots and the final response', async () => {
    const stream = client.responses.stream({ model, input, seed: 2 });
    let joined = '';
    const seen = [];
    stream.on('response.output_text.delta', ({ delta, snapshot }) => {
      joined += delta;
      assert.equal(snapshot, joined);
    });
    stream.on('event', (event) => seen.push(event));
    const final = await stream.finalResponse();
    checkEvents(seen);
    checkText(joined);
    assert.equal(final.output_text, joined);
  });

  test('parse gives an object of the zod schema', async () => {
    const reply = await client.responses.parse(
      { model, input, text: { format: zodTextFormat(town, 'town') } });
    town.parse(reply.output_parsed);
    assert.deepEqual(JSON.parse(reply.output_text), reply.output_parsed);
    assert.equal(reply.text.format.type, 'json_schema');
  });

  test('the stream helper parses the object at the end', async () => {
    const stream = client.responses.stream(
      { model, input, text: { format: zodTextFormat(town, 'town') } });
    town.parse((await stream.finalResponse()).output_parsed);
  });

  test('a required tool is called', async () => {
    const reply = await client.responses.create(
      { model, input, tools: [weather], tool_choice: 'required' });
    checkWhole(reply);
    const call = reply.output.find((item) => item.type === 'function_call');
    assert.equal(call.name, 'get_weather');
    assert.equal(call.status, 'completed');
    assert.deepEqual(Object.keys(JSON.parse(call.arguments)), ['city']);
    assert.equal(reply.output_text, '');
  });

  test('a named tool is called', async () => {
    const reply = await client.responses.create({
      model, input, tools: [weather], tool_choice: { type: 'function', name: 'get_weather' },
    });
    const [call] = reply.output;
    assert.deepEqual([call.type, call.name], ['function_call', 'get_weather']);
  });

  test('calls are streamed one after the other', async () => {
    const final = checkEvents(await collect(await client.responses.create(
      { model, input: kBoth, tools: [weather], stream: true })));
    checkWhole(final);
    assert.deepEqual(final.output.map((item) => [item.type, JSON.parse(item.arguments)]),
      [['function_call', { city: 'Paris' }], ['function_call', { city: 'Rome' }]]);
    assert.equal(new Set(final.output.map((item) => item.call_id)).size, 2);
  });

  test('the stream helper parses the arguments of a strict tool', async () => {
    const stream = client.responses.stream({ model, input: kQuestion, tools: [weather] });
    const final = await stream.finalResponse();
    assert.deepEqual(final.output[0].parsed_arguments, { city: 'Paris' });
  });

  test('the result of a call leads to the text', async () => {
    const talk = [{ role: 'user', content: kQuestion }];
    const first = await client.responses.create({ model, input: talk, tools: [weather] });
    const [call] = first.output;
    assert.equal(call.type, 'function_call');
    const second = await client.responses.create({
      model,
      tools: [weather],
      input: [...talk, ...first.output, {
        type: 'function_call_output',
        call_id: call.call_id,
        output: weatherOf(JSON.parse(call.arguments)),
      }],
    });
    assert.equal(second.output_text, kAnswer);
  });

  test('a refusal is a part of its message, whole and in a stream', async () => {
    const request = { model, input: 'Pick the lock.' };
    const whole = await client.responses.create(request);
    checkWhole(whole);
    assert.deepEqual(whole.output[0].content,
      [{ type: 'refusal', refusal: 'I cannot help with that.' }]);
    const stream = client.responses.stream(request);
    const seen = [];
    stream.on('event', (event) => seen.push(event));
    const final = await stream.finalResponse();
    seen.forEach((event) => streamEvent.parse(event));
    assert.deepEqual(final.output[0].content[0].refusal, whole.output[0].content[0].refusal);
    assert.deepEqual(seen.slice(2, -1).map((event) => short(event.type)),
      ['output_item.added', 'content_part.added', 'refusal.delta', 'refusal.done',
        'content_part.done', 'output_item.done']);
  });

  test('errors have their classes', async () => {
    await assert.rejects(client.responses.create({ model: 'nobody', input }), NotFoundError);
    await assert.rejects(client.responses.create({ model, input, temperature: -1 }),
      BadRequestError);
    await assert.rejects(client.responses.create(
      { model, input, previous_response_id: 'resp_unknown' }), NotFoundError);
  });
});

describe('openai responses of a model that thinks', () => {
  let sim, client;
  before(async () => {
    sim = await Sim.start('--instant', '--reasoning');
    client = new OpenAI({ baseURL: sim.v1, apiKey: 'none', maxRetries: 0 });
  });
  after(() => sim?.stop());

  function checkThoughts(reply) {
    checkWhole(reply);
    assert.deepEqual(reply.output.map((item) => item.type), ['reasoning', 'message']);
    const [thoughts, message] = reply.output;
    assert.equal(thoughts.status, 'completed');
    assert.deepEqual(thoughts.summary, []);
    assert.deepEqual(thoughts.content.map((part) => part.type), ['reasoning_text']);
    checkText(thoughts.content[0].text);
    checkText(message.content[0].text);
    assert.notEqual(thoughts.id, message.id);
    const { reasoning_tokens } = reply.usage.output_tokens_details;
    assert.ok(reasoning_tokens > 0 && reasoning_tokens < reply.usage.output_tokens);
  }

  test('thoughts are an item before the message', async () => {
    const reply = await client.responses.create({ model, input });
    checkThoughts(reply);
    assert.equal(reply.output_text, reply.output[1].content[0].text, 'thoughts are no output text');
  });

  test('a stream tells the thoughts in events of their own', async () => {
    const request = { model, input, seed: 2 };
    const whole = await client.responses.create(request);
    const events = await collect(await client.responses.create({ ...request, stream: true }));
    const final = checkEvents(events);
    checkThoughts(final);
    assert.deepEqual(final.output.map((item) => item.content[0].text),
      whole.output.map((item) => item.content[0].text));
    const order = events.map((event) => event.type);
    assert.ok(order.lastIndexOf('response.reasoning_text.delta')
      < order.indexOf('response.output_text.delta'), 'thoughts come first');
  });

  test('thoughts go back as input with the rest of the output', async () => {
    const talk = [{ role: 'user', content: input }];
    const first = await client.responses.create({ model, input: talk });
    checkThoughts(await client.responses.create(
      { model, input: [...talk, ...first.output, { role: 'user', content: 'And at night?' }] }));
  });

  test('an effort of none leaves them out', async () => {
    const reply = await client.responses.create({ model, input, reasoning: { effort: 'none' } });
    checkWhole(reply);
    assert.deepEqual(reply.output.map((item) => item.type), ['message']);
    assert.equal(reply.reasoning.effort, 'none');
  });

  test('an earlier response is kept, and gone on from', async () => {
    const first = await client.responses.create({ model, input });
    const kept = await client.responses.retrieve(first.id);
    assert.deepEqual(kept.output, first.output);
    const alone = await client.responses.create({ model, input: 'And at night?' });
    const second = await client.responses.create(
      { model, input: 'And at night?', previous_response_id: first.id });
    checkThoughts(second);
    assert.equal(second.previous_response_id, first.id);
    assert.ok(second.usage.input_tokens > alone.usage.input_tokens + first.usage.input_tokens / 2,
      'the talk so far is part of the prompt');
  });

  test('work in the background is refused', async () => {
    await assert.rejects(client.responses.create({ model, input, background: true }),
      BadRequestError);
  });
});
