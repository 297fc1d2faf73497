#pragma once

// The style sheet of a report: light and dark, down to a window of 400 pixels.

#include <string_view>

namespace weir::flow {

inline constexpr std::string_view kReportStyle = R"(:root {
  color-scheme: light dark;
  --paper: #ffffff; --raised: #f5f6f8; --ink: #1b1f24; --soft: #59636e; --edge: #d5dae0;
  --c0: #2f6fde; --c1: #b25e00; --c2: #9dbdf2; --bad: #c4262e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --raised: #1e2228; --ink: #e7eaee; --soft: #a3adb8; --edge: #3a424c;
    --c0: #6ea2ff; --c1: #f0a04b; --c2: #35507f; --bad: #ff7b72;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 16px; }
h1 { margin: 8px 0; font-size: 28px; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 36px 0 12px; font-size: 20px; }
p { margin: 8px 0; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 10px;
  margin: 16px 0; }
.figure { padding: 10px 12px; background: var(--raised); border-radius: 8px; }
.figure dt { color: var(--soft); font-size: 14px; }
.figure dd { margin: 0; font-size: 20px; font-weight: 600; overflow-wrap: anywhere; }
.figure.bad dd, td.bad { color: var(--bad); font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(340px, 100%), 1fr));
  gap: 16px; }
figure { min-width: 0; margin: 0; padding: 12px; background: var(--raised); border-radius: 8px; }
figcaption { display: flex; flex-wrap: wrap; gap: 4px 14px; margin-bottom: 8px; font-weight: 600;
  overflow-wrap: anywhere; }
.key, .note { color: var(--soft); font-size: 14px; font-weight: 400; }
.key svg { display: inline-block; width: 10px; height: 10px; margin-right: 5px; }
figure svg { display: block; width: 100%; max-width: 520px; height: auto; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .t { fill: var(--soft); }
svg .name { fill: var(--ink); }
svg text.m { font: 12px ui-monospace, monospace; text-anchor: middle; }
svg text.id { font-weight: 700; }
svg text.way { fill: var(--soft); }
.grid, .arrow { fill: none; stroke: var(--edge); }
.arrow { stroke: var(--soft); stroke-width: 1.5; }
.track { fill: var(--edge); opacity: .5; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.line.c0 { stroke: var(--c0); } .line.c1 { stroke: var(--c1); } .line.bad { stroke: var(--bad); }
rect.c0 { fill: var(--c0); } rect.c1 { fill: var(--c1); } rect.c2 { fill: var(--c2); }
rect.bad { fill: var(--bad); }
.frame { fill: none; stroke: var(--soft); stroke-opacity: .55; stroke-dasharray: 5 4; }
rect.box { fill: var(--raised); stroke: var(--soft); }
rect.box.bad { stroke: var(--bad); stroke-width: 2; }
.scroll { max-width: 100%; overflow-x: auto; border: 1px solid var(--edge); border-radius: 8px; }
.scroll:focus-visible { outline: 2px solid var(--c0); }
.graph { display: block; margin: 16px auto; max-width: none; }
table { width: 100%; border-collapse: collapse; font-size: 14px;
  font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px; border-bottom: 1px solid var(--edge); text-align: right;
  white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--soft); font-weight: 600; }
tbody th, .word { text-align: left; }
tbody th { font-weight: 600; }
.pairs td, .pairs th { text-align: left; vertical-align: top; white-space: normal;
  overflow-wrap: anywhere; }
.pairs th { width: 34%; }
@media print { .scroll { overflow: visible; } }
)";

}  // namespace weir::flow
