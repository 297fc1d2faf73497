#!/usr/bin/env bash
# Side-by-side benchmarks: raw epoll (the limit), weir, and the openai SDK (the peer), each against
# the same server, one after the other, three times over; and `weir sim` against that server.
# What comes out is judged by CPU time, since the machine may be shared.
#
# usage: bench/run.sh [--quick] [--rounds N] [--no-sdk] [--build DIR] [--out FILE]
set -euo pipefail
cd "$(dirname "$0")/.."

ROUNDS=3 QUICK='' SDK=1 BUILD=build/release OUT=bench/RESULTS.md
COMMAND="bench/run.sh"
while [[ $# -gt 0 ]]; do
  [[ $1 == --build || $1 == --out ]] || COMMAND+=" $1"
  case $1 in
    --quick) QUICK=1 ROUNDS=1 OUT='' ;;
    --no-sdk) SDK='' ;;
    --rounds) ROUNDS=$2 COMMAND+=" $2"; shift ;;
    --build) BUILD=$2; shift ;;
    --out) OUT=$2; shift ;;
    *) sed -n 's/^# usage: //p' "$0" >&2; exit 2 ;;
  esac
  shift
done

BIN=$BUILD/bin
RECORDS=$BUILD/bench-records.jsonl
LIMIT=90  # seconds that one run may take
SERVER_CPU=() CLIENT_CPU=()
if [[ $(nproc) -ge 2 ]] && command -v taskset >/dev/null; then
  SERVER_CPU=(taskset -c 0) CLIENT_CPU=(taskset -c 1)
fi
FAILED=0 SERVING='' PORT='' INTERVAL=0

say() { printf '%s\n' "$*" >&2; }

for program in bench_upstream bench_raw_client bench_weir_client; do
  [[ -x $BIN/$program ]] || { say "bench: $BIN/$program is missing; build first: ./dev bench"; exit 1; }
done

install_sdk() {
  if [[ -z $SDK ]]; then return; fi
  if command -v npm >/dev/null &&
    { [[ -d bench/sdk/node_modules/openai ]] ||
      (cd bench/sdk && timeout 300 npm ci --ignore-scripts --no-audit --no-fund >&2); }; then
    return
  fi
  say "bench: the openai SDK cannot be installed here; its columns stay empty"
  SDK=''
}

# A server is stopped by its process id, and stops by itself when its time is up; ours also when its
# standard input closes. Bash forgets a coprocess the moment it ends, so its id is kept here.
start_upstream() {  # INTERVAL_MS EVENTS
  PORT=''
  INTERVAL=$1
  coproc SERVER {
    exec "${SERVER_CPU[@]}" "$BIN/bench_upstream" --interval-ms "$1" --events "$2" --seconds 200
  }
  SERVING=${SERVER_PID:-}
  read -r -t 10 PORT <&"${SERVER[0]:?the server has ended}"
}

start_sim() {
  local line=''
  PORT=''
  coproc SERVER {
    exec timeout 200 "${SERVER_CPU[@]}" "$BIN/weir" sim --listen 127.0.0.1:0 --instant --threads 1 \
      2>&1
  }
  SERVING=${SERVER_PID:-}
  while [[ -n ${SERVER[0]:-} ]] && read -r -t 10 line <&"${SERVER[0]}"; do
    [[ $line =~ http://127\.0\.0\.1:([0-9]+) ]] && PORT=${BASH_REMATCH[1]} && return
  done
  stop_server
  return 1
}

stop_server() {
  local pid=$SERVING
  SERVING=''
  [[ -n $pid ]] || return 0
  kill "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}
trap stop_server EXIT

# CPU time in ns of a process, of its children too: `timeout` stands before the simulator.
cpu_ns() {
  local pid
  for pid in "$1" $(cat "/proc/$1/task/"*/children 2>/dev/null); do
    cat "/proc/$pid/task/"*/schedstat 2>/dev/null
  done | awk '{sum += $1} END {printf "%.0f", sum}'
}

measure() {  # CASE WHO ROUND COMMAND...
  local case=$1 who=$2 round=$3 before after line
  shift 3
  before=$(cpu_ns "$SERVING")
  if ! line=$(timeout -k 2 "$LIMIT" "${CLIENT_CPU[@]}" "$@" --port "$PORT" --seconds $((LIMIT - 5))); then
    say "bench: $case, $who: failed"
    FAILED=1
    return 0
  fi
  after=$(cpu_ns "$SERVING")
  printf '{"case":"%s","who":"%s","round":%d,"interval_ms":%d,"server_us":%d,"client":%s}\n' \
    "$case" "$who" "$round" "$INTERVAL" $(((after - before) / 1000)) "$line" >>"$RECORDS"
  say "$case $who: $line"
}

# CASE INTERVAL_MS EVENTS WHO... -- MODE ARGUMENTS: every WHO once, one after the other, each
# against a server of its own.
side_by_side() {
  local round=$1 case=$2 interval=$3 events=$4 who=() each expected=()
  shift 4
  while [[ $1 != -- ]]; do who+=("$1"); shift; done
  shift
  [[ $1 != streams ]] || expected=(--events "$events")
  for each in "${who[@]}"; do
    [[ $each != sdk || -n $SDK ]] || continue
    start_upstream "$interval" "$events"
    case $each in
      raw) measure "$case" raw "$round" "$BIN/bench_raw_client" "$@" "${expected[@]}" ;;
      weir) measure "$case" weir "$round" "$BIN/bench_weir_client" "$@" "${expected[@]}" ;;
      bare | recorded)
        measure "$case" "$each" "$round" "$BIN/bench_weir_client" "$@" --chain "$each" ;;
      sdk) measure "$case" sdk "$round" node bench/sdk/client.mjs "$@" "${expected[@]}" ;;
    esac
    stop_server
  done
}

simulator() {  # ROUND CASE MODE ARGUMENTS: our raw client against both servers
  local round=$1 case=$2
  shift 2
  start_upstream 0 200
  measure "$case" raw "$round" "$BIN/bench_raw_client" "$@"
  stop_server
  if [[ -x $BIN/weir ]] && start_sim; then
    measure "$case" weir "$round" "$BIN/bench_raw_client" "$@" --model sim-model
    stop_server
  else
    say "bench: weir sim does not start; its rows stay empty"
    FAILED=1
  fi
}

one_round() {
  local r=$1
  if [[ -n $QUICK ]]; then
    side_by_side "$r" requests-64 0 0 raw weir sdk -- requests --connections 64 --count 2000
    side_by_side "$r" chain-64 0 0 bare recorded -- requests --connections 64 --count 2000
    side_by_side "$r" paced-500 10 20 raw weir sdk -- streams --connections 50
    side_by_side "$r" saturated-64 0 20 raw weir sdk -- streams --connections 64
    side_by_side "$r" open-4000 20 10 raw weir -- streams --connections 200
    side_by_side "$r" latency 0 0 raw weir -- latency --count 500
    simulator "$r" sim-requests-64 requests --connections 64 --count 2000
    simulator "$r" sim-streams-64 streams --connections 64
    return
  fi
  side_by_side "$r" requests-64 0 0 raw weir -- requests --connections 64 --count 40000
  side_by_side "$r" requests-64 0 0 sdk -- requests --connections 64 --count 3000
  side_by_side "$r" chain-64 0 0 bare recorded -- requests --connections 64 --count 40000
  side_by_side "$r" requests-512 0 0 raw weir -- requests --connections 512 --count 40000
  side_by_side "$r" requests-512 0 0 sdk -- requests --connections 512 --count 3000
  side_by_side "$r" paced-500 20 200 raw weir sdk -- streams --connections 500
  side_by_side "$r" calm-500 100 100 raw weir sdk -- streams --connections 500
  side_by_side "$r" paced-1000 25 200 raw weir -- streams --connections 1000
  side_by_side "$r" saturated-64 0 2000 raw weir -- streams --connections 64
  side_by_side "$r" saturated-64 0 500 sdk -- streams --connections 64
  side_by_side "$r" open-4000 100 100 raw weir -- streams --connections 4000
  side_by_side "$r" latency 0 0 raw weir sdk -- latency --count 3000
  simulator "$r" sim-requests-64 requests --connections 64 --count 20000
  simulator "$r" sim-streams-64 streams --connections 64
}

install_sdk
: >"$RECORDS"
LOAD=$(cut -d' ' -f1 /proc/loadavg)
for ((round = 1; round <= ROUNDS; ++round)); do
  say "-- round $round of $ROUNDS"
  one_round "$round"
done
LOAD="$LOAD before, $(cut -d' ' -f1 /proc/loadavg) after"
python3 bench/report.py "$RECORDS" --command "$COMMAND" --load "$LOAD" ${OUT:+--out "$OUT"}
exit "$FAILED"
