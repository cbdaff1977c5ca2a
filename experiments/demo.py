"""The main job at a size that two CPU cores finish in minutes.

Trains Behavior Transfer on hero_hard from the bundled policy that explored Hero
without rewards, evaluates the result, films an episode and draws the curves.
Stopped, it goes on where it was when it is started again.

  python experiments/demo.py
"""

import pathlib
import signal
import subprocess
import sys

from absl import flags

from behavior_transfer.experiments import cli

_WORKDIR = flags.DEFINE_string(
  "workdir", "runs/demo", "Folder of the run.", module_name="program"
)
_FRAMES = cli.define_integer(
  "frames",
  240_000,
  "Emulator frames to train for.",
  lower_bound=1,
  module_name="program",
)

_SETTINGS = (
  "--max_episode_frames=6000",
  "--evaluation_period=80000",
  "--evaluation_episodes=3",
)

_HERE = pathlib.Path(__file__).resolve().parent


def _run(script: str, *arguments: str):
  """Runs one of the programs; if it fails, so does this one."""
  command = [sys.executable, str(_HERE / script), *arguments]
  print(f"\n$ python experiments/{script} {' '.join(arguments)}", flush=True)
  child = subprocess.Popen(command)
  # A stop is the child's to obey, which saves first. Ctrl-C reaches it anyway.
  signal.signal(signal.SIGINT, lambda *_: None)
  signal.signal(signal.SIGTERM, lambda *_: child.terminate())
  code = child.wait()
  if code:
    raise SystemExit(code if code > 0 else 128 - code)


def main():
  """Trains, evaluates, films and draws."""
  workdir = _WORKDIR.value
  _run(
    "run_bt.py",
    "--game=hero_hard",
    "--pretrained=hero_ngu",
    f"--workdir={workdir}",
    f"--frames={_FRAMES.value}",
    *_SETTINGS,
  )
  _run(
    "evaluate.py",
    f"--checkpoint={workdir}",
    "--episodes=10",
    f"--output={workdir}/evaluation.json",
    f"--video={workdir}/episode.mp4",
  )
  _run("plot_run.py", f"--workdir={workdir}")
  print(f"""
curves      {workdir}/curves.png
checkpoint  {workdir}/checkpoints/
video       {workdir}/episode.mp4
evaluation  {workdir}/evaluation.json""")


if __name__ == "__main__":
  cli.run(main)
