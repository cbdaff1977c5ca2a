"""What all programs of this folder share as programs.

Exit codes: 0 for done; 2 for input that cannot be used, with one line on
standard error and before any work; 128 plus the number of the signal for a run
that was stopped and saved; 1 for one that failed: with one line, where a disk
is full, memory short, a GPU lost or what is learned has diverged, and with a
traceback for a fault of ours.
"""

import contextlib
import os
import pathlib
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence

from absl import app, flags, logging

from behavior_transfer.agents import checkpoints

from . import command

# What a lost or full device raises, by its names in old and new JAX.
_JAX_ERRORS = ("XlaRuntimeError", "JaxRuntimeError")
_HELP_GROUPS = ("program", "study", "run", "launch")
_MORE_HELP_GROUPS = ("environment", "agent")


def run(main: Callable[[], int | None]):
  """Parses the flags, calls `main` and exits with what it returns."""
  run_command(lambda arguments: main(), _refuse_arguments)


def run_command(
  main: Callable[[Sequence[str]], int | None],
  check: Callable[[Sequence[str]], None] = lambda arguments: None,
):
  """The same for a `main` that is given the arguments that are no flags.

  Args:
    main: Maps them to the exit code.
    check: Called with them before anything else is done.
  """
  # JAX warns of any child process; ours (git, ffmpeg) run another program at
  # once, which is safe.
  warnings.filterwarnings("ignore", message=r"os\.fork\(\) was called")
  # NumPy notices in a callback that XLA's threads flush denormals to zero.
  warnings.filterwarnings("ignore", message="The value of the smallest subnorm")
  # As with `python -m`: so a user's own module can be named in module:function.
  sys.path.append(os.getcwd())
  try:
    app.run(
      lambda argv: main(argv[1:]),
      flags_parser=lambda argv: _parse(argv, check),
    )
  except BrokenPipeError:  # whoever reads, as `head` does, has had enough
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(128 + signal.SIGPIPE) from None


@contextlib.contextmanager
def user_input() -> Iterator[None]:
  """Within it, what is wrong is the user's to mend: one line, exit code 2."""
  try:
    yield
  except (ValueError, OSError) as error:
    fail(str(error))


@contextlib.contextmanager
def work(workdir: pathlib.Path) -> Iterator[None]:
  """Within it, what is wrong with the machine or diverges is one line; code 1.

  Args:
    workdir: Holds what the same command would go on from.
  """
  try:
    yield
  except BrokenPipeError:  # see `run_command`
    raise
  except checkpoints.CheckpointError as error:
    fail(str(error))
  except (OSError, FloatingPointError, MemoryError, RuntimeError) as error:
    message = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
      message = f"{error.filename or workdir}: {error.strerror}"
    # JAX also raises what fails in a callback, which is somebody's fault.
    is_fault = isinstance(error, RuntimeError) and (
      type(error).__name__ not in _JAX_ERRORS or "CpuCallback" in message
    )
    if is_fault:
      raise
    logging.info("It was raised here:", exc_info=True)  # with --verbosity=0
    fail(f"{message}; the same command goes on from what {workdir} holds", 1)


def cache_folder() -> pathlib.Path:
  """Of ours in the user's cache; it need not be there."""
  cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
  return pathlib.Path(cache).expanduser() / "behavior-transfer"


def fail(message: str, code: int = 2):
  """Ends the program, by default over its input."""
  print(f"error: {' '.join(message.split())}", file=sys.stderr)
  raise SystemExit(code)


class _IntegerParser(flags.IntegerParser):
  """Also takes 1e6 for a million."""

  def convert(self, argument: int | str) -> int:
    with contextlib.suppress(ValueError):
      return super().convert(argument)
    with contextlib.suppress(ValueError, OverflowError):
      number = int(float(argument))
      if number == float(argument) and abs(number) < 2**63:
        return number
    raise ValueError("it must be a whole number, such as 1000 or 1e6")


def define_integer(
  name: str,
  default: int | None,
  text: str,
  *,
  lower_bound: int | None = None,
  upper_bound: int | None = None,
  module_name: str,
) -> flags.FlagHolder:
  """As `flags.DEFINE_integer`, for numbers that may be as 1e6."""
  parser = _IntegerParser(lower_bound, upper_bound)
  return flags.DEFINE(
    parser,
    name,
    default,
    text,
    serializer=flags.ArgumentSerializer(),
    module_name=module_name,
  )


def _refuse_arguments(arguments: Sequence[str]):
  if arguments:
    fail(f"unexpected argument {arguments[0]!r}; everything is given as --flag")


def _parse(
  argv: Sequence[str], check: Callable[[Sequence[str]], None]
) -> list[str]:
  if not command.HELP.isdisjoint(argv):
    _print_help(full=any("helpfull" in argument for argument in argv))
    raise SystemExit(0)
  try:
    rest = flags.FLAGS(argv)
  except flags.Error as error:
    fail(str(error).split("\n")[0])
  if not flags.FLAGS["verbosity"].present:
    logging.set_verbosity(logging.WARNING)
  check(rest[1:])
  return rest


def _print_help(full: bool):
  print(sys.modules["__main__"].__doc__)
  there = flags.FLAGS.flags_by_module_dict()
  more = [group for group in _MORE_HELP_GROUPS if group in there]
  for group in (*_HELP_GROUPS, *(more if full else ())):
    if group in there:
      print(flags.FLAGS.module_help(group))
  if more and not full:
    print(f"\n--helpfull also shows the flags of the {' and the '.join(more)}.")
