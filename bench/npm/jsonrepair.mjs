// jsonrepair on the document of weir/json/lenient_bench.cc, at several sizes: megabytes per second
// of CPU time, the median of rounds. Prints one JSON line per size.
//
//   npm ci --ignore-scripts && node jsonrepair.mjs

import { jsonrepair } from "jsonrepair";

const kRounds = 5;

// One record in eight has a defect; keep it like Document() in lenient_bench.cc.
function damaged(bytes) {
  const parts = ["[\n"];
  let size = 2;
  for (let i = 0; size < bytes; ++i) {
    const defect = i % 32;
    const record =
      (i === 0 ? "" : ",\n") + `  {"id": ${i}` + (defect === 3 ? ", name" : ', "name"') +
      (defect === 7 ? `: 'row ${i}'` : `: "row ${i}"`) + (defect === 11 ? ", // the score\n" : ", ") +
      `"score": ${0.001 * i}, "tags": ["a", "b\\n", "\u00e9"` + (defect === 15 ? ",]" : "]") +
      `, "ok": ` + (defect === 19 ? "True" : "true") + ', "text": "a sentence of the usual length' +
      (defect === 23 ? ' "so"' : "") + ' that holds nothing to escape"' + (defect === 27 ? ",}" : "}");
    parts.push(record);
    size += record.length;
  }
  parts.push("\n]");
  return parts.join("");
}

function speed(text) {
  const start = process.cpuUsage();
  let bytes = 0;
  do {
    jsonrepair(text);
    bytes += Buffer.byteLength(text);
  } while (process.cpuUsage(start).user < 200_000);
  const used = process.cpuUsage(start);
  return bytes / (used.user + used.system);
}

for (const bytes of [100_000, 1_000_000]) {
  const text = damaged(bytes);
  JSON.parse(jsonrepair(text));
  const rounds = Array.from({ length: kRounds }, () => speed(text)).sort((a, b) => a - b);
  console.log(JSON.stringify({ bytes, mb_per_s: rounds[kRounds >> 1] }));
}
