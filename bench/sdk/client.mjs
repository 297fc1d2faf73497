// The same traffic through the openai npm SDK. Modes as in ../raw/client.cc: requests, latency,
// streams. CPU time is that of the whole process after a warm-up, so that neither start nor
// compilation counts against the SDK.

import OpenAI from 'openai';

const PROMPT =
  'You are given a river, a dam and a mill. Say in two sentences how the dam steers the water to ' +
  'the mill when the river is low, and what the miller has to watch for when it is high.';
const FRAMING_EVENTS = 4; // the role, the finish reason, the usage and [DONE]

function die(why) {
  console.error(`bench: ${why}`);
  process.exit(1);
}

const mode = process.argv[2];
if (!['requests', 'latency', 'streams'].includes(mode)) {
  die('give a mode: requests, latency or streams');
}
const flags = {port: 0, connections: mode === 'latency' ? 1 : 64, count: 2000, events: 0, seconds: 120};
for (let at = 3; at < process.argv.length; at += 2) {
  const name = process.argv[at].replace(/^--/, '');
  if (!(name in flags)) die(`unknown flag --${name}`);
  flags[name] = Number(process.argv[at + 1]);
}
setTimeout(() => die('the time is up before every answer has come'), flags.seconds * 1000).unref();

const client = new OpenAI({
  baseURL: `http://127.0.0.1:${flags.port}/v1`,
  apiKey: 'EMPTY',
  maxRetries: 3,
});
const call = {
  model: 'bench-model',
  messages: [{role: 'user', content: PROMPT}],
  max_tokens: 200,
  temperature: 0.7,
};
const latencies = [];

async function ask() {
  const start = process.hrtime.bigint();
  const reply = await client.chat.completions.create(call);
  latencies.push(Number(process.hrtime.bigint() - start) / 1000);
  const choice = reply.choices[0];
  if (!choice.message.content || choice.finish_reason !== 'stop') die('a reply is not whole');
}

async function stream() {
  const start = process.hrtime.bigint();
  const chunks = await client.chat.completions.create({
    ...call,
    stream: true,
    stream_options: {include_usage: true},
  });
  let contents = 0;
  let finished = false;
  let counted = false;
  for await (const chunk of chunks) {
    const choice = chunk.choices[0];
    if (choice?.delta?.content) contents += 1;
    if (choice?.finish_reason === 'stop') finished = true;
    if (chunk.usage) counted = true;
  }
  latencies.push(Number(process.hrtime.bigint() - start) / 1000);
  if (!finished || !counted) die('a stream lacks its finish reason or its usage');
  if (flags.events > 0 && contents !== flags.events) die('events are missing');
  return contents + FRAMING_EVENTS;
}

async function askAll(connections, count) {
  let asked = 0;
  const one = async () => {
    while (asked < count) {
      asked += 1;
      await ask();
    }
  };
  await Promise.all(Array.from({length: connections}, one));
  return 0;
}

async function streamAll(connections) {
  const counts = await Promise.all(Array.from({length: connections}, stream));
  return counts.reduce((sum, count) => sum + count, 0);
}

function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
}

if (mode === 'streams') {
  await streamAll(Math.min(20, flags.connections));
} else {
  await askAll(flags.connections, Math.min(500, flags.count));
}
latencies.length = 0;

const before = process.cpuUsage();
const start = process.hrtime.bigint();
const events = await (mode === 'streams'
  ? streamAll(flags.connections)
  : askAll(flags.connections, flags.count));
const spent = process.cpuUsage(before);
const wall = Number(process.hrtime.bigint() - start) / 1e9;
const requests = mode === 'streams' ? flags.connections : flags.count;
const units = events || requests;
console.log(
  JSON.stringify({
    mode,
    connections: flags.connections,
    requests,
    events,
    cpu_us: (spent.user + spent.system) / units,
    user_us: spent.user / units,
    wall_s: wall,
    per_second: Math.round(units / wall),
    p50_us: quantile(latencies, 0.5),
    p99_us: quantile(latencies, 0.99),
    events_per_read: 0,
    rss_kib_per_stream: 0,
  }),
);
process.exit(0);
