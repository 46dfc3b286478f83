#!/usr/bin/env bash
# Runs the forecasting example and checks what its last lines say: the errors lie where they do with PyTorch, with
# the encoding they are smaller than without, and the models built again from a file forecast the same.
#
#   bash example_forecast.sh PROGRAM
set -euo pipefail

output=$("$1")
echo "$output"

expect() {  # expect WHAT COUNT PATTERN: the pattern stands on that many lines
  local found
  found=$(grep -c -- "$3" <<<"$output" || true)
  [[ $found -eq $2 ]] || { echo "expected $1 on $2 lines, found them on $found" >&2; exit 1; }
}
expect "the summary's parameters" 1 '^ Total params: 2,305 (9.00 KB)$'
expect "the epochs" 60 '^Epoch [0-9]*/60$'
expect "the validation loss" 60 '^12/12 .* - loss: [0-9.e+-]* - val_loss: [0-9.e+-]*$'
expect "equal forecasts" 2 'built again: 11500 forecasts, the largest difference is 0$'

# Fields: hours "hours" "ahead" day-before without with
awk '
  function within(what, value, low, high) {
    if (value >= low && value <= high) return
    print "expected " what " from " low " to " high ", got " value; failed = 1
  }
  $2 == "hours" && $3 == "ahead" && NF == 6 { lines++; before[$1] = $4; without[$1] = $5; with[$1] = $6 }
  END {
    if (lines != 2) { print "expected two lines of errors, got " lines + 0; exit 1 }
    within("24 hours, the day before", before[24], 0.71, 0.73)
    within("24 hours, without the encoding", without[24], 0.60, 0.64)
    within("24 hours, with it", with[24], 0.56, 0.62)
    within("6 hours, without the encoding", without[6], 1.5, 1.7)
    within("6 hours, with it", with[6], 0.9, 1.4)
    within("24 hours, with less without", with[24] - without[24], -1, -0.01)
    within("6 hours, with less without", with[6] - without[6], -1, -0.2)
    exit failed
  }' <<<"$output" >&2
