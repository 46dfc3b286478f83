#!/usr/bin/env bash
# The program on the command line: what it says, where, and with which exit code.
#
#   bash tests/tool.sh FOLDER      that of the program; in a folder where the models of models/command_line.md are
set -euo pipefail
PATH=$1:$PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
  echo "tool: $*"
  failed=1
}

# expect CODE STREAM TEXT ARGUMENT...: the exit code, and a text in what stands on `out` or `err`; nothing on the other one.
expect() {
  local code=$1 stream=$2 text=$3 got=0 other=err
  shift 3
  [[ $stream == err ]] && other=out
  xlayers "$@" >"$work/out" 2>"$work/err" || got=$?
  [[ $got -eq $code ]] || fail "xlayers $*: expected the exit code $code, got $got: $(cat "$work/err")"
  grep -qF -- "$text" "$work/$stream" || fail "xlayers $*: expected on $stream: $text; got: $(cat "$work/$stream")"
  [[ ! -s $work/$other ]] || fail "xlayers $*: expected nothing on $other, got: $(cat "$work/$other")"
}

# ---- help and wrong usage

expect 0 out "predict" --help
expect 0 out "xlayers 0." --version
for command in summary convert predict check plot bench; do
  expect 0 out "Usage: xlayers $command" "$command" --help
  expect 2 err "is required; see xlayers $command --help" "$command"
  expect 2 err "see xlayers $command --help" "$command" loads.xl x y z --no-such-option
done
expect 2 err "see xlayers --help"
expect 2 err "not in range 1 to" predict loads.xl x.npy -o y.npy --batch-size 0
expect 2 err "not in range 40 to" summary loads.xl --width 10
expect 2 err "--rankdir" plot loads.xl -o "$work/x.svg" --rankdir up
expect 2 err "--format" convert loads.xl "$work/x.xl" --format json

# ---- files and models that are not there or do not fit

head -c 1000 loads.xl >"$work/cut.xl"
for command in summary check bench; do
  expect 1 err "xlayers: cannot load a model from 'x.foo': expected a path that ends in .xl" "$command" x.foo
  expect 1 err "No such file" "$command" "$work/none.xl"
  expect 1 err "cut short" "$command" "$work/cut.xl"
done
two=(series=series.npy hours=hours.npy)
expect 1 err "cannot read 'none.npy': No such file" predict loads.xl series=none.npy hours=hours.npy -o load="$work/x.npy"
expect 1 err "expected a path that ends in .npy or .csv" predict loads.xl series=x.txt hours=hours.npy -o load="$work/x.npy"
expect 1 err "expected a path that ends in .npy or .csv" predict loads.xl "${two[@]}" -o load="$work/x.txt"
expect 1 err "expected a name for each input or for none" predict loads.xl series=series.npy hours.npy -o load="$work/x.npy"
expect 1 err "the model has the outputs load, state" predict loads.xl "${two[@]}" -o loud="$work/x.npy"
expect 1 err "the model has the outputs load, state" predict loads.xl "${two[@]}" -o "$work/x.npy"
expect 1 err "series" predict loads.xl series=hours.npy hours=hours.npy -o load="$work/x.npy"
expect 1 err "cannot write '$work/none/x.npy'" predict loads.xl "${two[@]}" -o load="$work/none/x.npy" -q
expect 1 err "ends in .dot" plot loads.xl -o "$work/x.bmp"
expect 1 err "cannot write '$work/none/x.dot'" plot loads.xl -o "$work/none/x.dot"
expect 1 err "cannot save a model to '$work/x.foo'" convert loads.xl "$work/x.foo"
[[ ! -e $work/x.npy && ! -e $work/x.dot ]] || fail "an error has left a file"
if [[ -w /dev/full ]] && xlayers summary loads.xl >/dev/full 2>"$work/err"; then fail "a full disk is no error"; fi

# ---- weights and models

xlayers convert loads.xl "$work/weights.safetensors"
expect 1 err "name the model that they are for, --model MODEL" convert "$work/weights.safetensors" "$work/x.xl"
expect 1 err "--model is for a file of weights alone" convert loads.xl "$work/x.xl" --model loads.xl
expect 1 err "expected a path that ends in .xl" check "$work/weights.safetensors"
expect 0 out "state/bias F32 (2,)" summary "$work/weights.safetensors"
xlayers convert "$work/weights.safetensors" "$work/whole.xl" --model loads.xl --format xml --test-case "${two[@]}"
head -n 1 "$work/whole.xl" | grep -q "^xlayers-model 1 xml " || fail "--format xml has not written XML"
expect 0 out "compiled; its test case comes out" check "$work/whole.xl" --require-test-case
xlayers convert loads.xl "$work/bare.xl" --no-compile
expect 0 out "not compiled; no test case" check "$work/bare.xl"
expect 1 err "it has no test case" check "$work/bare.xl" --require-test-case
expect 0 out "step     it is not compiled" bench "$work/bare.xl" --seconds 0
expect 0 out "predict      7" bench loads.xl "${two[@]}" --batch-size 7 --seconds 0

# The last number of the file becomes a NaN.
head -c -4 "$work/weights.safetensors" >"$work/nan.safetensors"
printf '\x00\x00\xc0\x7f' >>"$work/nan.safetensors"
xlayers convert "$work/nan.safetensors" "$work/nan.xl" --model loads.xl
expect 1 err "the weight 'state/bias' has an element that is NaN" check "$work/nan.xl"

# ---- what is predicted is the same from each file and in each form

same() { cmp "$1" "$2" || fail "$1 and $2 differ"; }
xlayers predict loads.xl "${two[@]}" -o load="$work/a.npy" -o state="$work/a.csv" -q
xlayers predict "$work/whole.xl" series.npy hours.npy -o load="$work/b.npy" -o state="$work/b.csv" -q --batch-size 7
same "$work/a.npy" "$work/b.npy"
same "$work/a.csv" "$work/b.csv"
[[ $(head -n 1 "$work/a.csv") == state_0,state_1 && $(wc -l <"$work/a.csv") -eq 41 ]] || fail "a.csv is no table of 40 rows"
xlayers predict loads.xl "${two[@]}" -o load="$work/c.csv" -o state="$work/d.csv" -q
[[ $(head -n 1 "$work/c.csv") == load ]] || fail "the one column of c.csv is not named as the output"

exit $failed
