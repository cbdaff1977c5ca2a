#!/bin/bash
# What is worth a quarter of an hour of a borrowed GPU with some 16 cores:
#
#   benchmarks/on_a_gpu.sh OUTPUT [WHEELS]
#
# First one_box.py, some two minutes, then Never Give Up on Hero for seven, with
# policies of all its checkpoints. Nothing needs to be installed but JAX, Flax,
# Optax, Chex, absl-py, OpenCV and protobuf; the rest may lie in a folder of
# wheels, for the version of Python that is there:
#
#   pip download --only-binary=:all: --no-deps --python-version=3.12 \
#     --platform=manylinux_2_28_x86_64 --platform=manylinux2014_x86_64 \
#     --dest=WHEELS ale-py dm-env zstandard tensorboardX
#
# Left in OUTPUT, below 16 MB each: one_box.json, run.tgz (logs and the last
# policy), policies.tar, and training.npz, from which the run can go on.
set -eu
output=$(realpath "$1") wheels=${2:+$(realpath "$2")}
cd "$(dirname "$0")/.."
run=$(mktemp -d) kept=$(mktemp -d)
trap 'rm -rf "$run" "$kept"' EXIT
export PYTHONUNBUFFERED=1 PYTHONPATH=$PWD/build/types

if [ "$wheels" ]; then
  python3 -m pip install -q --no-index --no-deps --target "$run/site" "$wheels"/*.whl
  PYTHONPATH=$run/site:$PYTHONPATH
fi
mkdir -p build/types "$output"
ln -sfn ../.. build/types/behavior_transfer

python3 benchmarks/one_box.py --environments=256 --replay_ratios=1,4 \
  --bar=60000 --turns=1 --seconds=8 --sides=bare,random,learning \
  --output="$output/one_box.json" || true # bars that are not met

keep() { # those of checkpoints that the run itself removes
  cd "$run/hero/checkpoints" 2> /dev/null || return 0
  for each in 0*; do
    [ -f "$each/policy.npz" ] && mkdir -p "$kept/$each" &&
      cp -n "$each/policy.npz" "$each/manifest.json" "$kept/$each/"
  done
}
(while sleep 5; do (keep) || true; done) &
keeper=$!
timeout --signal=INT --kill-after=30 "${SECONDS_OF_NGU:-420}" \
  python3 experiments/run_ngu.py --game=hero --max_episode_frames=12000 \
  --preset=small --envs_per_actor=256 --frames=400000000 \
  --batch_size=64 --burn_in=20 --trace_length=40 --sequence_period=20 \
  --min_replay_size=2000 --max_replay_size=50000 --replay_ratio=8 \
  --learning_rate=2.5e-4 --target_update_period=200 --actor_update_period=20 \
  --epsilon_alpha=7 --memory_capacity=3000 --nocheckpoint_replay \
  --evaluation_period=1000000000 --checkpoint_period=2000000 \
  --workdir="$run/hero" 2>&1 | tee "$run/hero.txt" || true # stopped and saved
kill $keeper
(keep)
cd "$run"
last=$(find hero/checkpoints -name 'policy.npz' | sort | tail -n 1 | xargs dirname)
cp "$last/training.npz" "$output/"
tar -czf "$output/run.tgz" hero.txt hero/*.* "$last"/[mp]*.*
# As many as fit, evenly spaced.
cd "$kept"
all=(0*)
tar -cf "$output/policies.tar" $(printf '%s\n' "${all[@]}" |
  awk -v step=$(((${#all[@]} + 8) / 9)) 'NR % step == 0')
