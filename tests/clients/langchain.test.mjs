// LangChain's classes for OpenAI's API.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';

import { checkText, checkUsage, checkVector, collect } from './check.mjs';
import { scenario, Sim } from './sim.mjs';
import { kAnswer, kQuestion, weatherOf } from './weather.mjs';

const question = [new SystemMessage('Be brief.'), new HumanMessage('Why is the sky blue?')];
const town = z.object({ name: z.string().min(1), people: z.number().int().min(0) }).strict();

const weather = tool((args) => weatherOf(args), {
  name: 'get_weather',
  description: 'The weather of a town',
  schema: z.object({ city: z.string() }),
});

const checkCounts = (message) => checkUsage(message.usage_metadata?.input_tokens,
  message.usage_metadata?.output_tokens, message.usage_metadata?.total_tokens);

describe('langchain', () => {
  let sim;
  before(async () => {
    sim = await Sim.start('--instant', '--scenario', scenario('weather'));
  });
  after(() => sim?.stop());

  const chat = (more) => new ChatOpenAI({
    model: 'sim-model', apiKey: 'none', maxRetries: 0, configuration: { baseURL: sim.v1 }, ...more,
  });

  test('invoke', async () => {
    const message = await chat().invoke(question);
    checkText(message.content);
    checkText(message.id);
    assert.equal(message.response_metadata.finish_reason, 'stop');
    assert.equal(message.response_metadata.model_name, 'sim-model');
    checkCounts(message);
  });

  test('the same seed gives the same text', async () => {
    const ask = async (seed) =>
      (await chat({ modelKwargs: { seed } }).invoke(question)).content;
    assert.equal(await ask(7), await ask(7));
    assert.notEqual(await ask(7), await ask(8));
  });

  test('stream tells the same text, then the usage', async () => {
    const model = chat({ modelKwargs: { seed: 3 } });
    const whole = await model.invoke(question);
    const chunks = await collect(await model.stream(question));
    assert.ok(chunks.length > 2);
    const joined = chunks.reduce((sum, chunk) => sum.concat(chunk));
    assert.equal(joined.content, whole.content);
    checkCounts(joined);
    assert.equal(joined.usage_metadata.total_tokens, whole.usage_metadata.total_tokens);
  });

  test('batch answers each question', async () => {
    const replies = await chat().batch(['one', 'two', 'three']);
    replies.forEach((reply) => checkText(reply.content));
  });

  for (const method of ['jsonSchema', 'functionCalling']) {
    test(`withStructuredOutput by ${method}`, async () => {
      const { parsed, raw } = await chat().withStructuredOutput(
        town, { name: 'town', method, includeRaw: true }).invoke(question);
      town.parse(parsed);
      checkCounts(raw);
    });
  }

  test('withStructuredOutput as a stream', async () => {
    const steps = await collect(await chat().withStructuredOutput(
      town, { name: 'town', method: 'jsonSchema' }).stream(question));
    town.parse(steps.at(-1));
  });

  test('bindTools: a call, its result, the answer', async () => {
    const model = chat().bindTools([weather]);
    const talk = [new HumanMessage(kQuestion)];
    const first = await model.invoke(talk);
    assert.equal(first.response_metadata.finish_reason, 'tool_calls');
    assert.deepEqual(first.tool_calls.map((call) => [call.name, call.args]),
      [['get_weather', { city: 'Paris' }]]);
    const result = await weather.invoke(first.tool_calls[0]);
    assert.ok(result instanceof ToolMessage);
    assert.equal(result.tool_call_id, first.tool_calls[0].id);
    const last = await model.invoke([...talk, first, result]);
    assert.equal(last.content, kAnswer);
    assert.deepEqual(last.tool_calls, []);
  });

  test('bindTools as a stream joins the pieces of a call', async () => {
    const chunks = await collect(
      await chat().bindTools([weather]).stream([new HumanMessage(kQuestion)]));
    const joined = chunks.reduce((sum, chunk) => sum.concat(chunk));
    assert.deepEqual(joined.tool_calls.map((call) => [call.name, call.args]),
      [['get_weather', { city: 'Paris' }]]);
  });

  test('tool_choice forces the tool', async () => {
    const message = await chat().bindTools([weather], { tool_choice: 'get_weather' })
      .invoke(question);
    assert.deepEqual(message.tool_calls.map((call) => call.name), ['get_weather']);
    assert.equal(typeof message.tool_calls[0].args.city, 'string');
  });

  test('the Responses API, whole and streamed', async () => {
    const model = chat({ useResponsesApi: true, modelKwargs: { seed: 3 } });
    const message = await model.invoke(question);
    checkText(message.text);
    checkCounts(message);
    const chunks = await collect(await model.stream(question));
    const joined = chunks.reduce((sum, chunk) => sum.concat(chunk));
    assert.equal(joined.text, message.text);
    checkCounts(joined);
  });

  test('OpenAIEmbeddings gives a vector for each text', async () => {
    const embeddings = new OpenAIEmbeddings({
      model: 'sim-model', apiKey: 'none', maxRetries: 0, configuration: { baseURL: sim.v1 },
    });
    const [blue, grey] = await embeddings.embedDocuments(['a blue sky', 'a grey sky']);
    checkVector(blue);
    checkVector(grey, blue.length);
    assert.deepEqual(await embeddings.embedQuery('a blue sky'), blue);
    assert.notDeepEqual(blue, grey);
  });
});
