// The Files and Batch API of the openai package: upload, create, watch, list, cancel, collect.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI, { BadRequestError, ConflictError, NotFoundError, toFile } from 'openai';

import { checkOpenAiUsage, checkText, collect } from './check.mjs';
import { eventually, scenario, Sim } from './sim.mjs';

const model = 'sim-model';
const endpoint = '/v1/chat/completions';

const line = (custom_id, content, more) => JSON.stringify({
  custom_id,
  method: 'POST',
  url: endpoint,
  body: { model, messages: [{ role: 'user', content }], max_tokens: 4 },
  ...more,
}) + '\n';

for (const dialect of ['openai', 'vllm-latest']) {
  describe(`openai batches of a server of dialect ${dialect}`, () => {
    let sim, client;
    before(async () => {
      sim = await Sim.start('--instant', '--dialect', dialect, '--scenario', scenario('batches'));
      client = new OpenAI({ baseURL: sim.v1, apiKey: 'none', maxRetries: 0 });
    });
    after(() => sim?.stop());

    const upload = async (text) => client.files.create(
      { file: await toFile(Buffer.from(text), 'in.jsonl'), purpose: 'batch' });

    const begin = async (text, more) => client.batches.create({
      input_file_id: (await upload(text)).id, endpoint, completion_window: '24h', ...more,
    });

    const ended = (id) => eventually(`the batch ${id} did not end`, async () => {
      const batch = await client.batches.retrieve(id);
      return ['completed', 'failed', 'expired', 'cancelled'].includes(batch.status)
        ? batch : undefined;
    });

    const read = async (id) => (await (await client.files.content(id)).text())
      .split('\n').filter((text) => text !== '').map((text) => JSON.parse(text));

    test('a file comes back as it was sent, until it is deleted', async () => {
      const text = `${line('a', 'grüße')}\r\n--boundary\n`;
      const file = await upload(text);
      assert.equal(file.object, 'file');
      assert.equal(file.purpose, 'batch');
      assert.equal(file.filename, 'in.jsonl');
      assert.equal(file.bytes, Buffer.byteLength(text));
      assert.equal(await (await client.files.content(file.id)).text(), text);
      assert.deepEqual(await client.files.retrieve(file.id), file);
      assert.ok((await collect(client.files.list())).some((one) => one.id === file.id));
      const gone = await client.files.delete(file.id);
      assert.deepEqual([gone.id, gone.deleted], [file.id, true]);
      await assert.rejects(client.files.retrieve(file.id), NotFoundError);
      await assert.rejects(client.files.content(file.id), NotFoundError);
    });

    test('a batch is created, watched and collected', async () => {
      const text = line('a', 'one') + line('b', 'busy') + line('c', 'three');
      const created = await begin(text, { metadata: { who: 'me' } });
      assert.equal(created.object, 'batch');
      assert.equal(created.endpoint, endpoint);
      assert.deepEqual(created.metadata, { who: 'me' });
      const batch = await ended(created.id);
      assert.equal(batch.status, 'completed');
      assert.deepEqual(batch.request_counts, { total: 3, completed: 2, failed: 1 });
      assert.ok(batch.in_progress_at <= batch.completed_at);
      assert.equal(batch.expires_at, batch.created_at + 24 * 3600);
      const good = await read(batch.output_file_id);
      assert.deepEqual(good.map((one) => one.custom_id).sort(), ['a', 'c']);
      for (const one of good) {
        assert.equal(one.response.status_code, 200);
        assert.equal(one.error, null);
        checkText(one.response.body.choices[0].message.content);
        checkOpenAiUsage(one.response.body.usage);
      }
      const [bad] = await read(batch.error_file_id);
      assert.equal(bad.custom_id, 'b');
      assert.equal(bad.response.status_code, 429);
      assert.equal(bad.response.body.error.message, 'slow down');
    });

    test('a bad file fails its batch and says which lines are wrong', async () => {
      const batch = await ended((await begin(
        `${line('a', 'one')}{nonsense\n${line('a', 'again')}`)).id);
      assert.equal(batch.status, 'failed');
      assert.deepEqual(batch.errors.data.map((one) => [one.code, one.line]),
        [['invalid_json_line', 2], ['duplicate_custom_id', 3]]);
    });

    test('a batch can be cancelled once', async () => {
      const { id } = await begin(line('a', 'stall'));
      assert.equal((await client.batches.cancel(id)).status, 'cancelling');
      assert.equal((await ended(id)).status, 'cancelled');
      await assert.rejects(client.batches.cancel(id), ConflictError);
    });

    test('the list goes through all pages, newest first', async () => {
      const ids = [];
      for (let i = 0; i < 3; ++i) ids.push((await begin(line('a', 'one'))).id);
      const listed = (await collect(client.batches.list({ limit: 2 }))).map((one) => one.id);
      assert.deepEqual(listed.slice(0, 3), ids.toReversed());
      assert.equal(new Set(listed).size, listed.length);
    });

    test('what is wrong with an order is a BadRequestError', async () => {
      const order = { input_file_id: 'file-none', endpoint, completion_window: '24h' };
      await assert.rejects(client.batches.create({ ...order, endpoint: '/v1/nothing' }),
        BadRequestError);
      await assert.rejects(client.batches.create({ ...order, completion_window: '1h' }),
        BadRequestError);
      await assert.rejects(client.batches.retrieve('batch_none'), NotFoundError);
      await assert.rejects(client.files.create(
        { file: await toFile(Buffer.from('x'), 'in.txt'), purpose: 'batch' }), BadRequestError);
    });
  });
}

test('older vLLM servers have no files and no batches', async () => {
  const sim = await Sim.start('--instant', '--dialect', 'vllm-0.16');
  const client = new OpenAI({ baseURL: sim.v1, apiKey: 'none', maxRetries: 0 });
  await assert.rejects(collect(client.files.list()), NotFoundError);
  await assert.rejects(collect(client.batches.list()), NotFoundError);
  await sim.stop();
});
