#!/usr/bin/env bash
# How long the steps take on one invented world, in seconds and as ratios.
# Usage: bench.sh MARTLET [PEOPLE] [MONTHS]; three rounds, medians.
set -euo pipefail
martlet=$1
people=${2:-100000}
months=${3:-3}
rounds=3
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Seconds a command takes; what it says goes to a file.
seconds() {
    local start end
    start=$(date +%s%N)
    "$@" >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }
    end=$(date +%s%N)
    awk "BEGIN { printf \"%.3f\", ($end - $start) / 1e9 }"; echo
}
median() { sort -n | sed -n "$(((rounds + 1) / 2))p"; }

run() {
    "$martlet" --project "$root" run --quiet --inbox "$work/world" --lake "$work/lake$1" \
        --published "$work/published$1" --partitions "$1"
}

for _ in $(seq $rounds); do
    rm -rf "$work/world" "$work"/lake* "$work"/published*
    seconds "$martlet" --project "$root" check >>"$work/check"
    seconds "$martlet" sample --people "$people" --months "$months" --out "$work/world" >>"$work/sample"
    seconds run 2 >>"$work/run2"
    seconds run 2 >>"$work/again"
    seconds run 1 >>"$work/run1"
done

printf '%-34s %10s %8s\n' "$people people, $months months" "median s" "ratio"
base=$(median <"$work/run2")
for step in check sample run2 again run1; do
    case $step in
        check) name="check" ;;
        sample) name="sample" ;;
        run2) name="run, two partitions" ;;
        again) name="run again, nothing to do" ;;
        run1) name="run, one partition" ;;
    esac
    took=$(median <"$work/$step")
    printf '%-34s %10s %8s\n' "$name" "$took" "$(awk "BEGIN { printf \"%.2f\", $took / $base }")"
done
