"""All programs behind one command.

  behavior-transfer COMMAND [--flag=value ...]

Each is a program of experiments/, with its flags and its exit codes. COMMAND
--help shows the usual flags, --helpfull all of them.
"""

import runpy
import sys

import behavior_transfer

PROGRAMS = {  # and what is printed of each
  "demo": ("demo", "train BT on hero_hard for some minutes, and film it"),
  "train bt": ("run_bt", "learn a game with policies to transfer from"),
  "train r2d2": ("run_r2d2", "learn a game without any"),
  "pretrain": ("run_ngu", "explore a game without its rewards"),
  "evaluate": ("evaluate", "play a policy, report its returns, film it"),
  "export": ("export", "make one file of a policy, to pass on"),
  "games": ("games", "list, show, play, film and verify games"),
  "plot run": ("plot_run", "draw the curves of a run"),
  "study": ("run_study", "run the comparison behind a figure of the paper"),
  "plot": ("plot", "draw a study and write its report"),
}
HELP = frozenset(("-?", "-h", "-help", "--help", "-helpfull", "--helpfull"))


def main() -> None:
  """Runs the program that the first words name; what follows is its own."""
  words = sys.argv[1:]
  if not words or words[0] in HELP:
    print(__doc__)
    for name, (module, text) in PROGRAMS.items():
      print(f"  {name:11} {module + '.py':13} {text}")
    return
  if words == ["--version"]:
    print(behavior_transfer.__version__)
    return
  for length in (2, 1):
    name = " ".join(words[:length])
    if name in PROGRAMS:
      # As `python -m` does, so that what it starts sees no difference.
      sys.argv[1:] = words[length:]
      module = f"behavior_transfer.experiments.{PROGRAMS[name][0]}"
      runpy.run_module(module, run_name="__main__", alter_sys=True)
      return
  allowed = ", ".join(PROGRAMS)
  print(
    f"error: unknown command {words[0]!r}; allowed: {allowed}", file=sys.stderr
  )
  raise SystemExit(2)


if __name__ == "__main__":
  main()
