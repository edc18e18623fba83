# shellcheck shell=bash
# What tests/run is made of: build steps, and one function per kind of test runner. Each leaves JUnit files in
# build/results/TIER and prints little unless something failed. Sourced from the repository's top folder.

results=$PWD/build/results
python=/usr/bin/python3 # the system's: its pytest is a package, a user's own Python need not have one
jobs=$(nproc)
declare -A built=()

# CI ends a run after 90 minutes without a word; 80 leave time for the summary. A whole run takes about half of that.
run_limit=4800
tidy_files=60 # the most recently changed ones; 4 s each on one core

export PYTHONDONTWRITEBYTECODE=1
# Objects serve every build folder below this one: that of the RPM is another (tests/package/rpms.py), and
# rpmbuild has a LANG of its own, which would make other keys.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=locale
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=suppressions=$PWD/tests/support/tsan.supp:second_deadlock_stack=1

has_files() { compgen -G "$1" >/dev/null || { [ $# -gt 1 ] && has_files "${@:2}"; }; }

say() { printf '%s %s\n' "$(date +%T)" "$*"; }

# Locked, since fuzz targets end side by side.
record() { flock "$results/lock" "$python" tests/support/results.py record "$results" "$@"; }

# limited SECONDS COMMAND...: ends it, and all that it started, after SECONDS or when the whole run's time is up: 124.
# In the background, so that a signal to tests/run ends it at once (`current` is read by tests/run).
limited() {
  local seconds=$1 left=$((run_limit - SECONDS))
  shift
  if [ $left -lt 5 ]; then left=5; fi
  timeout -k 15 $((seconds < left ? seconds : left)) "$@" </dev/null &
  current=$!
  wait "$current"
  local status=$?
  current=
  if [ $status -eq 124 ]; then echo "ended after $seconds s, its limit, or because the whole run's time is up"; fi
  return $status
}

# step TIER NAME COMMAND...: runs it with its output in a log, and records it as one test.
step() {
  local tier=$1 name=$2 log started=$SECONDS
  shift 2
  log=$results/$tier/${name//[^A-Za-z0-9]/-}.log
  say "$tier: $name"
  if "$@" >"$log" 2>&1 </dev/null; then
    record "$tier" "$name" pass --seconds $((SECONDS - started))
  else
    tail -n 60 "$log" | sed 's/^/    /'
    record "$tier" "$name" fail --seconds $((SECONDS - started)) --reason "see ${log#"$PWD"/}"
    return 1
  fi
}

# quiet NAME COMMAND...: a step that is no test by itself; counts, in the tier that runs, only when it fails.
quiet() {
  local name=$1 log=$results/${1//[^A-Za-z0-9]/-}.log started=$SECONDS
  shift
  mkdir -p "$results"
  if "$@" >"$log" 2>&1 </dev/null; then
    say "$name ($((SECONDS - started)) s)"
  else
    tail -n 60 "$log" | sed 's/^/    /'
    # shellcheck disable=SC2154 # tier is the loop variable of tests/run
    record "$tier" "$name" fail --reason "see ${log#"$PWD"/}"
    return 1
  fi
}

configure() {
  local options=()
  if command -v ccache >/dev/null; then options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  if [ "${CI:-}" = true ]; then options+=(-DHEALTHGATE_WERROR=ON); fi
  quiet "configure $1" limited 120 cmake --preset "$1" "${options[@]}"
}

# What to build of a preset: all, but of `fuzz` the fuzz targets alone.
targets() {
  local source
  if [ "$1" = fuzz ]; then
    echo --target
    for source in tests/fuzz/*_fuzz.cpp; do basename "$source" _fuzz.cpp | sed 's/^/fuzz_/'; done
  fi
}

# Builds a preset once a run; a second call answers as the first did.
build() {
  local preset=$1 wanted
  mapfile -t wanted < <(targets "$preset")
  if [ -z "${built[$preset]:-}" ]; then
    built[$preset]=no
    configure "$preset" && quiet "build $preset" limited 1200 cmake --build "build/$preset" -j "$jobs" "${wanted[@]}" && built[$preset]=yes
  fi
  [ "${built[$preset]}" = yes ]
}

# unrandomised PRESET: the words before a command that needs them. ThreadSanitizer of g++ 12 stops at kernels that
# randomise more address bits than it knows (vm.mmap_rnd_bits > 28).
unrandomised() {
  if [ "$1" = tsan ] && setarch -R true 2>/dev/null; then echo setarch -R; fi
}

run_ctest() {
  local tier=$1 preset=$2 only=$3 log=$results/$1/$2.log words
  read -ra words < <(unrandomised "$preset")
  say "$tier: ctest in build/$preset"
  if ! limited 900 "${words[@]}" ctest --test-dir "build/$preset" -j "$jobs" --timeout 120 --output-on-failure \
    ${only:+-R "$only"} --no-tests=ignore --output-junit "$results/$tier/$preset.xml" >"$log" 2>&1; then
    grep -E '^(\*\*\*|.*\[  FAILED|.*Failure$|.*ERROR: )|Error' "$log" | head -n 60 | sed 's/^/    /'
    if [ ! -s "$results/$tier/$preset.xml" ]; then record "$tier" "ctest in build/$preset" fail --reason "see ${log#"$PWD"/}"; fi
  fi
}

# run_pytest TIER VARIANT FOLDER [pytest options]; the daemon under test is that of build/VARIANT where there is one.
run_pytest() {
  local tier=$1 variant=$2 folder=$3 preset=release log=$results/$1/$2.log xml=$results/$1/$2.xml words
  shift 3
  if [ -d "build/$variant/src" ]; then preset=$variant; fi
  read -ra words < <(unrandomised "$variant")
  say "$tier: pytest $folder ($variant)"
  # shellcheck disable=SC2154 # only is an option of tests/run
  HEALTHGATE_BIN=$PWD/build/$preset/src/healthgate HEALTHGATE_VARIANT=$variant HEALTHGATE_RESULTS=$results/$tier \
    limited 1500 "${words[@]}" "$python" -m pytest -q -p no:cacheprovider --durations=5 --tb=short --maxfail=40 \
    -o faulthandler_timeout=180 --junitxml="$xml" ${only:+-k "$only"} "$@" "$folder" >"$log" 2>&1
  if [ ! -s "$xml" ]; then record "$tier" "pytest $folder ($variant)" fail --reason "no results; see ${log#"$PWD"/}"; fi
  if grep -q '^=* \(FAILURES\|ERRORS\) ' "$log"; then
    sed -n '/^=* \(FAILURES\|ERRORS\) /,$p' "$log" | head -n 250 | sed 's/^/    /'
  else
    tail -n 1 "$log" | sed 's/^/    /'
  fi
}

# run_script TIER SCRIPT: it writes its JUnit files into $HEALTHGATE_RESULTS; its exit code counts as well.
run_script() {
  local tier=$1 script=$2 status log=$results/$1/run.log
  say "$tier: $script"
  HEALTHGATE_BIN=$PWD/build/release/src/healthgate HEALTHGATE_RESULTS=$results/$tier \
    limited "$([ "$HEALTHGATE_LONG" = yes ] && echo 4000 || echo 1200)" "$script" >"$log" 2>&1
  status=$?
  sed 's/^/    /' "$log"
  if [ "$status" -ne 0 ]; then record "$tier" "$script" fail --reason "exit code $status"; fi
}

# Each target for SECONDS, two at a time, starting from the corpus in the tree.
run_fuzzers() {
  local seconds=$1 target name
  local -a running=()
  for target in build/fuzz/tests/fuzz/fuzz_*; do
    if [ ! -f "$target" ] || [ ! -x "$target" ]; then continue; fi
    name=$(basename "$target")
    mkdir -p "build/fuzz/corpus/$name" "tests/fuzz/corpus/${name#fuzz_}"
    step fuzz "$name" "$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$results/fuzz/$name-" "build/fuzz/corpus/$name" "tests/fuzz/corpus/${name#fuzz_}" &
    running+=($!)
    if [ ${#running[@]} -ge "$jobs" ]; then
      wait "${running[0]}"
      running=("${running[@]:1}")
    fi
  done
  wait
}

format_check() { git_files '*.cpp' '*.hpp' | xargs -r clang-format-14 --dry-run -Werror; }

scripts_check() {
  git_files | xargs grep -lE -m1 '^#!(/usr/bin/env bash|/bin/(ba)?sh)' | xargs -r shellcheck -x &&
    git_files '*.py' | xargs -r "$python" -m pyflakes
}

# Files of the repository that exist, whoever owns the clone.
git_files() { git -c safe.directory='*' ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
  if [ -f "$file" ]; then echo "$file"; fi
done; }

# Compiled files that changed since the last tag, or in the last 20 commits, or in the work tree.
changed_files() {
  local git=(git -c "safe.directory=*") base
  base=$("${git[@]}" describe --tags --abbrev=0 2>/dev/null || "${git[@]}" rev-list --max-count=20 HEAD | tail -n 1)
  {
    "${git[@]}" diff --name-only "$base" --
    "${git[@]}" ls-files --others --exclude-standard
  } | sort -u
}

# Names in, the same out: those in the work tree or the latest commits first.
newest_first() {
  local known
  known=$(cat)
  { git -c "safe.directory=*" diff --name-only HEAD -- && git -c "safe.directory=*" log --format= --name-only -n 200; } |
    awk '!seen[$0]++' | grep -xFf <(printf '%s\n' "$known")
}

tidy_check() {
  local files
  files=$(git_files 'src/*.cpp')
  if [ "$1" = changed ]; then
    files=$(newest_first <<<"$files" | grep -xFf <(changed_files) | head -n $tidy_files)
  fi
  echo "$(wc -l <<<"$files") files"
  # shellcheck disable=SC2086 # one word a file: our names have no spaces
  limited 1200 xargs -a <(printf '%s\n' $files) -r -n 1 -P "$jobs" clang-tidy-14 -p build/release --quiet \
    2> >(grep -v 'warnings\? generated' >&2)
}
