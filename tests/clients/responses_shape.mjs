// The Responses API as the types of the openai package have it: what a server must send at least.

import { z } from 'zod';

const count = z.number().int().min(0);
const state = z.enum(['in_progress', 'completed', 'incomplete']);

export const outputText = z.looseObject({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(z.unknown()),
});

const refusal = z.strictObject({ type: z.literal('refusal'), refusal: z.string() });

const message = z.looseObject({
  type: z.literal('message'),
  id: z.string().min(1),
  role: z.literal('assistant'),
  status: state,
  content: z.array(z.union([outputText, refusal])),
});

const functionCall = z.looseObject({
  type: z.literal('function_call'),
  id: z.string().min(1),
  call_id: z.string().min(1),
  name: z.string().min(1),
  arguments: z.string(),
  status: state.optional(),
});

const reasoningText = z.strictObject({ type: z.literal('reasoning_text'), text: z.string() });

// ResponseReasoningItem, to the letter: a member that it does not have is an error.
const reasoning = z.strictObject({
  type: z.literal('reasoning'),
  id: z.string().min(1),
  summary: z.array(z.strictObject({ type: z.literal('summary_text'), text: z.string() })),
  content: z.array(reasoningText).optional(),
  encrypted_content: z.string().nullish(),
  status: state.optional(),
});

const item = z.discriminatedUnion('type', [message, functionCall, reasoning]);

const usage = z.looseObject({
  input_tokens: count,
  input_tokens_details: z.looseObject({ cached_tokens: count }),
  output_tokens: count,
  output_tokens_details: z.looseObject({ reasoning_tokens: count }),
  total_tokens: count,
});

export const response = z.looseObject({
  id: z.string().regex(/^resp_/),
  object: z.literal('response'),
  created_at: z.number(),
  status: z.enum(['completed', 'failed', 'in_progress', 'cancelled', 'queued', 'incomplete']),
  model: z.string().min(1),
  error: z.null().optional(),  // the type wants it; vLLM leaves it out
  incomplete_details: z.object({ reason: z.literal('max_output_tokens') }).nullable(),
  instructions: z.string().nullable(),
  metadata: z.record(z.string(), z.string()).nullable(),
  output: z.array(item),
  parallel_tool_calls: z.boolean(),
  temperature: z.number().nullable(),
  top_p: z.number().nullable(),
  tool_choice: z.union([z.enum(['none', 'auto', 'required']), z.looseObject({ type: z.string() })]),
  tools: z.array(z.looseObject({ type: z.string() })),
  usage: usage.nullish(),
});

const ofItem = { item_id: z.string().min(1), output_index: count };
const ofPart = { ...ofItem, content_index: count };
const part = z.discriminatedUnion('type', [outputText, reasoningText, refusal]);

function event(type, fields) {
  return z.looseObject({ type: z.literal(type), sequence_number: count, ...fields });
}

export const streamEvent = z.discriminatedUnion('type', [
  event('response.created', { response }),
  event('response.in_progress', { response }),
  event('response.completed', { response }),
  event('response.incomplete', { response }),
  event('response.output_item.added', { output_index: count, item }),
  event('response.output_item.done', { output_index: count, item }),
  event('response.content_part.added', { ...ofPart, part }),
  event('response.content_part.done', { ...ofPart, part }),
  event('response.output_text.delta',
    { ...ofPart, delta: z.string(), logprobs: z.array(z.unknown()) }),
  event('response.output_text.done',
    { ...ofPart, text: z.string(), logprobs: z.array(z.unknown()) }),
  event('response.refusal.delta', { ...ofPart, delta: z.string() }),
  event('response.refusal.done', { ...ofPart, refusal: z.string() }),
  event('response.reasoning_text.delta', { ...ofPart, delta: z.string() }),
  event('response.reasoning_text.done', { ...ofPart, text: z.string() }),
  event('response.function_call_arguments.delta', { ...ofItem, delta: z.string() }),
  event('response.function_call_arguments.done',
    { ...ofItem, name: z.string().min(1), arguments: z.string() }),
]);

// The order of the events of each item; `+` stands for one or several.
export const itemEvents = {
  message: ['output_item.added', 'content_part.added', 'output_text.delta+', 'output_text.done',
    'content_part.done', 'output_item.done'],
  reasoning: ['output_item.added', 'content_part.added', 'reasoning_text.delta+',
    'reasoning_text.done', 'content_part.done', 'output_item.done'],
  function_call: ['output_item.added', 'function_call_arguments.delta+',
    'function_call_arguments.done', 'output_item.done'],
};
