// Function calling of the openai package: forced, scripted, streamed, and run to the end.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { zodFunction } from 'openai/helpers/zod';
import { z } from 'zod';

import { checkOpenAiUsage, collect } from './check.mjs';
import { scenario, Sim } from './sim.mjs';
import { kAnswer, kBoth, kCity, kClockTool, kQuestion, kWeatherTool, weatherOf }
  from './weather.mjs';

const model = 'sim-model';
const tools = [kWeatherTool, kClockTool];
const user = (content) => [{ role: 'user', content }];

const city = z.object({ city: z.string() }).strict();
const clock = z.object({ zone: z.enum(['UTC', 'CET']), seconds: z.boolean() }).strict();
const kinds = { get_weather: city, get_time: clock };

function checkCall(call) {
  assert.equal(call.type, 'function');
  assert.ok(call.id.length > 0, 'a call has an id');
  kinds[call.function.name].parse(JSON.parse(call.function.arguments));
}

describe('openai tools', () => {
  let sim, client;
  before(async () => {
    sim = await Sim.start('--instant', '--scenario', scenario('weather'));
    client = new OpenAI({ baseURL: sim.v1, apiKey: 'none', maxRetries: 0 });
  });
  after(() => sim?.stop());

  test('tool_choice required gives calls that fit their schemas', async () => {
    const reply = await client.chat.completions.create(
      { model, messages: user('What time is it?'), tools, tool_choice: 'required' });
    const [choice] = reply.choices;
    assert.equal(choice.finish_reason, 'tool_calls');
    assert.ok(choice.message.tool_calls.length >= 1);
    choice.message.tool_calls.forEach(checkCall);
    checkOpenAiUsage(reply.usage);
  });

  test('a named tool is the one that is called', async () => {
    const reply = await client.chat.completions.create({
      model,
      messages: user('What time is it?'),
      tools,
      tool_choice: { type: 'function', function: { name: 'get_time' } },
    });
    const [call, ...more] = reply.choices[0].message.tool_calls;
    assert.deepEqual(more, []);
    assert.equal(call.function.name, 'get_time');
    checkCall(call);
  });

  test('tool_choice none gives text', async () => {
    const reply = await client.chat.completions.create(
      { model, messages: user('What time is it?'), tools, tool_choice: 'none' });
    assert.ok(reply.choices[0].message.content.length > 0);
    assert.ok(!reply.choices[0].message.tool_calls?.length);
  });

  test('auto follows the script', async () => {
    const reply = await client.chat.completions.create(
      { model, messages: user(kBoth), tools, tool_choice: 'auto' });
    const [choice] = reply.choices;
    assert.equal(choice.finish_reason, 'tool_calls');
    assert.deepEqual(choice.message.tool_calls.map((call) => JSON.parse(call.function.arguments)),
      [{ city: 'Paris' }, { city: 'Rome' }]);
    const ids = choice.message.tool_calls.map((call) => call.id);
    assert.equal(new Set(ids).size, 2);
    choice.message.tool_calls.forEach(checkCall);
  });

  test('a stream of calls: the name once, the arguments in pieces, by index', async () => {
    const chunks = await collect(await client.chat.completions.create(
      { model, messages: user(kBoth), tools, stream: true }));
    const calls = [];
    for (const { choices: [choice] } of chunks) {
      for (const delta of choice.delta.tool_calls ?? []) {
        if (!calls[delta.index]) {
          assert.equal(delta.index, calls.length, 'calls begin in the order of their index');
          assert.ok(delta.id && delta.function.name, 'a call begins with its id and name');
          calls[delta.index] = { name: '', text: '' };
        }
        calls[delta.index].name += delta.function.name ?? '';
        calls[delta.index].text += delta.function.arguments ?? '';
      }
    }
    assert.deepEqual(calls.map(({ name, text }) => [name, JSON.parse(text)]),
      [['get_weather', { city: 'Paris' }], ['get_weather', { city: 'Rome' }]]);
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'tool_calls');
  });

  test('the stream helper tells the arguments as they come', async () => {
    const stream = client.chat.completions.stream(
      { model, messages: user('What time is it?'), tools: [kClockTool], tool_choice: 'required' });
    let joined = '';
    const done = [];
    stream.on('tool_calls.function.arguments.delta', (event) => {
      joined += event.arguments_delta;
      assert.equal(event.arguments, joined);
    });
    stream.on('tool_calls.function.arguments.done', (event) => done.push(event));
    const final = await stream.finalChatCompletion();
    assert.equal(done.length, 1);
    assert.equal(done[0].name, 'get_time');
    assert.equal(done[0].arguments, joined);
    clock.parse(JSON.parse(joined));
    final.choices[0].message.tool_calls.forEach(checkCall);
  });

  test('parse reads the arguments of a zodFunction', async () => {
    const reply = await client.chat.completions.parse({
      model,
      messages: user('What time is it?'),
      tools: [zodFunction({ name: 'get_time', parameters: clock })],
      tool_choice: 'required',
    });
    clock.parse(reply.choices[0].message.tool_calls[0].function.parsed_arguments);
  });

  for (const stream of [false, true]) {
    test(`runTools goes on until there is text (${stream ? 'streamed' : 'whole'})`, async () => {
      const asked = [];
      const runner = client.chat.completions.runTools({
        model,
        messages: user(kQuestion),
        stream,
        tools: [{
          type: 'function',
          function: {
            name: 'get_weather',
            description: 'The weather of a town',
            parameters: kCity,
            parse: JSON.parse,
            function: (args) => {
              asked.push(args);
              return weatherOf(args);
            },
          },
        }],
      });
      assert.equal(await runner.finalContent(), kAnswer);
      assert.deepEqual(asked, [{ city: 'Paris' }]);
      const roles = runner.messages.map((message) => message.role);
      assert.deepEqual(roles, ['user', 'assistant', 'tool', 'assistant']);
      const { tool_calls: [call] } = runner.messages[1];
      assert.equal(runner.messages[2].tool_call_id, call.id);
      if (!stream) checkOpenAiUsage(await runner.totalUsage());
    });
  }
});
