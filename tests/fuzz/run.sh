#!/bin/sh
# tests/fuzz/run.sh BUILD RUNS [TARGET...]: runs the fuzz targets that BUILD has, each RUNS times.
set -eu
build=$1 runs=$2
shift 2
here=$(dirname "$0")
data=$here/../testdata/embed
seeds() {
  case $1 in
    safetensors_fuzz) echo "$data"/models/nomic/model.safetensors "$data"/models/bert/*.safetensors ;;
    torch_file_fuzz | zip_archive_fuzz) echo "$data"/tensors.pt "$data"/models/bge_m3/*linear.pt ;;
    tokenizer_json_fuzz) echo "$data"/models/bert/tokenizer.json "$data"/models/bge_m3/tokenizer.json ;;
    sentencepiece_model_fuzz) echo "$data"/unigram/sentencepiece.bpe.model ;;
    query_fuzz) echo "$data"/../query/*.txt ;;
    pattern_fuzz) echo "$here"/../../bench/exact/patterns.txt ;;
    sharded_safetensors_fuzz) echo "$data"/models/bert/*.index.json ;;
    wordpiece_fuzz) echo "$data"/models/nomic/vocab.txt ;;
    tokenizer_fuzz) echo "$data"/../query/korean.txt "$data"/wordpiece_cases.jsonl ;;
  esac
}
[ $# -gt 0 ] || set -- $(cd "$here" && ls ./*_fuzz.cc | sed 's|./||; s|\.cc$||')
for target; do
  corpus=$build/corpus/$target
  mkdir -p "$corpus"
  for file in $(seeds "$target"); do
    head -c 60000 "$file" > "$corpus/seed_$(basename "$(dirname "$file")")_$(basename "$file")"
  done
  options=
  if [ "$target" = torch_file_fuzz ]; then
    options=-dict=$here/pickle.dict
    python3 -c "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1])
sys.stdout.buffer.write(z.read(z.namelist()[0]))" "$data/tensors.pt" > "$corpus/seed_data.pkl"
  fi
  if [ "$target" = model_config_fuzz ]; then
    for model in bert bge_m3 nomic_long; do
      (cd "$data/models/$model" && for file in config.json modules.json 1_Pooling/config.json; do cat $file; printf '\0'; done) > "$corpus/seed_$model"
    done
  fi
  echo "$target"
  "$build/$target" -runs="$runs" -max_len=8192 -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$corpus/../$target-" \
    -print_final_stats=1 -verbosity=0 $options "$corpus" 2>&1 | grep -E "ERROR|SUMMARY|not so|number_of_executed|exec_per_sec|Test unit" || true
  if ls "$corpus"/../"$target"-* > /dev/null 2>&1; then
    echo "$target found something: $(ls "$corpus"/../"$target"-*)" >&2
    exit 1
  fi
done
