"""The console command, started as an installation starts it."""

import signal
import subprocess
import sys

import pytest

from tests.experiments import programs

_SCRIPT = """
import sys
from behavior_transfer.experiments.command import main
if __name__ == "__main__":
  sys.exit(main())
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory):
  """Starts it, with these words."""
  script = tmp_path_factory.mktemp("bin") / "behavior-transfer"
  script.write_text(_SCRIPT)
  return lambda *words: programs.start(str(script), *words)


def _refusal(process):
  outputs = process.communicate(timeout=120)
  return programs.refusal(outputs, process.returncode)


@pytest.mark.parametrize("words", [(), ("--help",), ("-?",)])
def test_it_lists_its_programs(command, words):
  output = programs.finish(command(*words))
  assert output.count("\n") < 24
  for name in ("train bt", "train r2d2", "pretrain", "evaluate", "games"):
    assert f"\n  {name} " in output
  for name in ("study", "plot", "plot run", "export", "demo"):
    assert f"\n  {name} " in output


@pytest.mark.parametrize("word", ["--help", "--version", "trian"])
def test_it_is_light(word):
  program = f"import sys; sys.argv[1:] = [{word!r}]\n{_SCRIPT}".replace(
    "sys.exit(main())",
    "\n  try: main()\n  except SystemExit: pass"
    "\n  print({'jax', 'numpy', 'absl'} & set(sys.modules))",
  )
  output = subprocess.check_output([sys.executable, "-c", program], text=True)
  assert output.endswith("set()\n")


@pytest.mark.parametrize("words", [("trian", "bt"), ("train",), ("train", "x")])
def test_an_unknown_one_is_refused_with_those_allowed(command, words):
  line = _refusal(command(*words))
  assert line.startswith(f"error: unknown command {words[0]!r}; allowed: ")
  assert "train bt, train r2d2, pretrain, evaluate" in line


@pytest.mark.parametrize(
  ("words", "script"),
  [
    (("train", "bt"), "run_bt.py"),
    (("plot",), "plot.py"),
    (("plot", "run"), "plot_run.py"),
  ],
)
def test_a_program_has_the_help_of_its_script(command, words, script):
  output = programs.finish(command(*words, "--helpfull"))
  assert output == programs.finish(programs.start(script, "--helpfull"))


def test_a_program_has_its_own_flags_alone(command):
  line = _refusal(command("train", "r2d2", "--pretrained=random"))
  assert "Unknown command line flag 'pretrained'" in line
  line = _refusal(command("evaluate", "train"))
  assert "unexpected argument 'train'" in line


def test_a_run_with_workers_stops_and_goes_on(command, tmp_path):
  words = (
    "train",
    "bt",
    "--game=maze_dense",
    "--pretrained=random",
    "--preset=miniature",
    "--num_workers=1",
    f"--workdir={tmp_path / 'run'}",
    *programs.TINY,
  )
  stopped = command(*words, "--frames=100000000")
  checkpoints = tmp_path / "run" / "checkpoints"
  programs.wait_until(lambda: [*checkpoints.glob("[0-9]*")], stopped)
  stopped.send_signal(signal.SIGTERM)
  _, errors = stopped.communicate(timeout=300)
  assert stopped.returncode == 143, errors
  assert "SIGTERM: saved at step" in errors
  frames = 4 * int(max(path.name for path in checkpoints.glob("[0-9]*")))
  output = programs.finish(command(*words, f"--frames={frames + 400}"))
  assert "done:" in output and "in training" in output
