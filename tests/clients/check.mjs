// What every answer must fulfil, whichever client read it.

import assert from 'node:assert/strict';

export function checkText(text) {
  assert.equal(typeof text, 'string');
  assert.ok(text.trim().length > 0, 'the text is empty');
}

function checkCount(count, name) {
  assert.ok(Number.isInteger(count) && count > 0, `${name} is ${count}, not a positive integer`);
}

// Usage by its three numbers, whatever the client calls them.
export function checkUsage(prompt, completion, total) {
  checkCount(prompt, 'the prompt count');
  checkCount(completion, 'the completion count');
  assert.equal(prompt + completion, total, 'prompt and completion do not add up to the total');
}

export const checkOpenAiUsage = (usage) =>
  checkUsage(usage?.prompt_tokens, usage?.completion_tokens, usage?.total_tokens);

export function checkVector(vector, length) {
  assert.ok(Array.isArray(vector), 'a vector is an array');
  assert.equal(vector.length, length ?? vector.length);
  assert.ok(vector.length > 0, 'the vector is empty');
  assert.ok(vector.every(Number.isFinite), 'the vector holds something that is no number');
  const norm = Math.hypot(...vector);
  assert.ok(Math.abs(norm - 1) < 1e-3, `the vector's length is ${norm}, not 1`);
}

// Every logprob is at most 0. As vLLM lists them: the token that was taken, then the best.
export function checkLogprobs(tokens, top) {
  assert.ok(tokens?.length > 0, 'no logprobs');
  for (const token of tokens) {
    assert.equal(typeof token.token, 'string');
    assert.deepEqual(token.bytes, [...Buffer.from(token.token)]);
    assert.equal(token.top_logprobs.length, top);
    const [taken, ...rest] = token.top_logprobs;
    assert.equal(taken.token, token.token);
    assert.equal(taken.logprob, token.logprob);
    const values = rest.map((rival) => rival.logprob);
    assert.ok([token.logprob, ...values].every((value) => value <= 0), 'a logprob is above 0');
    assert.deepEqual(values, values.toSorted((a, b) => b - a), 'the rivals are out of order');
  }
}

export async function collect(stream) {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}
