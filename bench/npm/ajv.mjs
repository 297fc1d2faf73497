// ajv on the schemas and instances of ../schemas: nanoseconds of CPU time for one validation, for
// JSON.parse and validation together, and for compiling, as medians of rounds. Prints one JSON
// line per schema.
//
//   npm ci --ignore-scripts && node ajv.mjs [folder]

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020.js";

const folder = process.argv[2] ?? new URL("../schemas", import.meta.url).pathname;
const kRounds = 11;
const kRoundMs = 25;

// The median over rounds, each long enough that the clock's own step does not matter.
function measure(work) {
  let batch = 1;
  const run = (count) => {
    const start = process.cpuUsage();
    for (let i = 0; i < count; i++) if (!work()) throw new Error("refused");
    const used = process.cpuUsage(start);
    return (used.user + used.system) * 1000;
  };
  while (run(batch) < kRoundMs * 1e6) batch *= 2;
  const rounds = Array.from({ length: kRounds }, () => run(batch) / batch);
  return rounds.sort((a, b) => a - b)[kRounds >> 1];
}

for (const file of readdirSync(folder).filter((name) => name.endsWith(".schema.json")).sort()) {
  const name = file.slice(0, -".schema.json".length);
  const schema = JSON.parse(readFileSync(join(folder, file), "utf8"));
  // As a model or a server sends it: without white space.
  const instance = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
  const text = JSON.stringify(instance);
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
  const row = {
    name,
    validate_ns: Math.round(measure(() => validate(instance))),
    text_ns: Math.round(measure(() => validate(JSON.parse(text)))),
  };
  const start = process.cpuUsage();
  new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
  row.compile_us = process.cpuUsage(start).user;
  console.log(JSON.stringify(row));
}
