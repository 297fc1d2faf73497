#!/usr/bin/env bash
# solve_ticket.cc with the command line alone: the first call classifies the ticket, the second is
# answered by the LoRA adapter of its class.
#
#   examples/solve_ticket.sh ENGINE TICKET
set -euo pipefail
[[ $# -eq 2 ]] || { echo "usage: solve_ticket.sh ENGINE TICKET" >&2; exit 64; }
engine=$1 ticket=$2
weir=${WEIR_BIN:-weir}

kind=$("$weir" call -e "$engine" --regex '(billing|network|other)' \
  "What is this ticket about?"$'\n\n'"$ticket")
case $kind in
  billing) adapter=(--adapter billing-lora) ;;
  network) adapter=(--adapter network-lora) ;;
  *) adapter=() ;;
esac
echo "[$kind, ${adapter[1]:-base model}]"
"$weir" call -e "$engine" "${adapter[@]}" \
  --system "Solve the customer's problem in a few steps." "$ticket"
