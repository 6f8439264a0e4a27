#!/bin/sh
# tests/fuzz/run.sh BUILD RUNS [TARGET...]: runs the fuzz targets that BUILD has until each has made RUNS runs, those of earlier starts counted in.
set -eu
build=$1 runs=$2
shift 2
here=$(dirname "$0")
data=$here/../testdata
chunk=1000000
# Readers start from small files: a reader is fast on them, and a file does not need to be large to reach all of its code.
options() {
  case $1 in
    safetensors_fuzz | sharded_safetensors_fuzz) echo "-max_len=512 -dict=$here/json.dict" ;;
    tokenizer_json_fuzz) echo "-max_len=1024 -dict=$here/json.dict" ;;
    model_config_fuzz) echo "-max_len=1536 -dict=$here/json.dict" ;;
    torch_file_fuzz) echo "-max_len=1024 -dict=$here/pickle.dict" ;;
    zip_archive_fuzz | sentencepiece_model_fuzz) echo "-max_len=1024" ;;
    wordpiece_fuzz) echo "-max_len=512" ;;
    tokenizer_fuzz) echo "-max_len=256" ;;
    *) echo "-max_len=8192" ;;
  esac
}
seeds() {
  case $1 in
    query_fuzz) cp "$data"/query/*.txt "$2" ;;
    pattern_fuzz) cp "$here"/../../bench/exact/patterns.txt "$2" ;;
    segment_fuzz) ;;
    *) python3 "$here/small_seeds.py" "$1" "$2" ;;
  esac
}
# Short stacks of allocations and less freed memory kept aside: readers allocate much.
export ASAN_OPTIONS="malloc_context_size=2:quarantine_size_mb=8${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
[ $# -gt 0 ] || set -- $(cd "$here" && ls ./*_fuzz.cc | sed 's|./||; s|\.cc$||')
for target; do
  corpus=$build/corpus/$target log=$build/corpus/$target.log made=$build/corpus/$target.runs
  mkdir -p "$corpus"
  seeds "$target" "$corpus"
  [ -f "$made" ] || echo 0 > "$made"
  while [ "$(cat "$made")" -lt "$runs" ]; do
    left=$((runs - $(cat "$made")))
    # Which inputs are rare is worth knowing while there is much to find, and a third of the time afterwards.
    entropic=$([ "$(cat "$made")" -lt $chunk ] && echo 1 || echo 0)
    failed=0
    "$build/$target" -runs=$((left < chunk ? left : chunk)) -entropic="$entropic" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$build/corpus/$target-" $(options "$target") "$corpus" > "$log" 2>&1 || failed=$?
    now=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo $(($(cat "$made") + ${now:-0})) > "$made"
    echo "$target $(cat "$made") runs; $(grep -o 'cov: .* ft: [0-9]*' "$log" | tail -1)"
    if [ "$failed" -ne 0 ]; then
      grep -E "ERROR|SUMMARY|not so|Test unit" "$log" >&2 || true
      exit 1
    fi
  done
done
