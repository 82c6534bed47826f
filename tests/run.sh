#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh - runs test programs side by side and adds up their tests
#
#   [RUNNER="valgrind -q"] [SECONDS_MAX=n] tests/run.sh JOBS PROGRAM...
#
# Prints a dot for each program that passes and the whole output of each that does not; ends with the
# plain line "N passed, M failed". A program that dies or hangs counts as one failed test.
set -euo pipefail

readonly seconds_max=${SECONDS_MAX:-300}
read -ra runner <<<"${RUNNER:-}"

# run_one PROGRAM: leaves PROGRAM.log and PROGRAM.count ("passed failed"), and shows how it went.
run_one() {
    local program=$1 log=$1.log status=0 line passed=0 failed=0

    timeout --kill-after=5 "$seconds_max" "${runner[@]}" "$program" >"$log" 2>&1 </dev/null || status=$?
    line=$(grep -aE '^check: [0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1) || true
    if [[ $line =~ ^check:\ ([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]}
    fi
    # Died early, or a leak was found at exit: the tests may have passed, the program has not.
    if ((status != 0 && failed == 0)); then
        failed=1
    fi
    printf '%s %s\n' "$passed" "$failed" >"$program.count"

    if ((status == 0)); then
        printf '.'
    else
        # One printf, so that programs that fail side by side do not mix their lines.
        printf '\n%s\n' "FAILED $program (exit status $status)"$'\n'"$(grep -avE '^\[ +(RUN|OK) ' "$log")"
    fi
}

if [[ ${1:-} == --one ]]; then
    run_one "$2"
    exit 0
fi

jobs=$1
shift
if (($# == 0)); then
    echo "no test programs"
    echo "0 passed, 0 failed"
    exit 1
fi

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
printf '%s\0' "$@" | xargs -0 -n 1 -P "$jobs" "$0" --one
echo

passed=0 failed=0
for program in "$@"; do
    read -r program_passed program_failed <"$program.count"
    passed=$((passed + program_passed)) failed=$((failed + program_failed))
done
echo "$passed passed, $failed failed"
((failed == 0))
