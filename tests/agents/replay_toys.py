"""Episodes of noise for the embedded replay, and what it should hold of them.

`cut_by_the_loop` is what the Reverb adder did before there was a cutter: it
appended row after row, padding included, and looked back.
"""

from typing import Any, NamedTuple

import jax
import numpy as np

from behavior_transfer.agents import networks, policies, sequences
from behavior_transfer.agents.replay import cutter, frames, store

NUM_ENTRIES = 3
SIDE = 4


class Cut(NamedTuple):
  """A sequence of an episode.

  Attributes:
    step: after which it was complete.
    at_end: whether only the episode's end completed it.
    rows: L of them; None is padding.
    state: the row before which its recurrent state was.
  """

  step: int
  at_end: bool
  rows: list[int | None]
  state: int


def cut_by_the_loop(cut, num_steps):
  """The sequences of an episode, in their order."""
  period, length = cut.sequence_period, cut.length
  written, states, found = [], {}, []

  def append(row, state, step, at_end=False):
    if len(written) % period == 0 and state is not None:
      states[len(written)] = state
    written.append(row)
    start = len(written) - length
    if start >= 0 and start % period == 0:
      found.append(Cut(step, at_end, written[start:], states[start]))

  def last_learned():
    start = len(written) - length
    return start // period * period + length - 2 if start >= 0 else -1

  for _ in range(cut.burn_in):
    append(None, 0, 0)
  for row in range(num_steps):
    append(row, row, row)
  append(num_steps, None, num_steps - 1, True)
  num_written = len(written)
  while last_learned() < num_written - 2:
    append(None, None, num_steps - 1, True)
  return found


def small_cutters():
  """All kinds of lengths."""
  for burn_in in range(5):
    for trace_length in range(1, 7):
      for period in range(1, trace_length + 1):
        yield cutter.Cutter(burn_in, trace_length, period)


def spec(length, num_stacked=1, side=SIDE):
  """Of a sequence; with an extra of each kind."""
  array = jax.ShapeDtypeStruct

  def rows(dtype, *shape):
    return array((length, *shape), dtype)

  return sequences.Sequences(
    observation=rows(np.uint8, side, side, num_stacked),
    action=rows(np.int32),
    reward=rows(np.float32),
    discount=rows(np.float32),
    valid=rows(np.bool_),
    recurrent_state=policies.RecurrentState(
      array((1,), np.int32),
      networks.LSTMState(array((1, 5), np.float32), array((1, 5), np.float32)),
    ),
    extras={"choice": rows(np.int32, 2), "in_flight": rows(np.bool_)},
  )


class Episode(NamedTuple):
  """One environment's: n + 1 rows, of which the last is no transition.

  Attributes:
    rows: a whole episode as `Sequences`.
    q: action values.
  """

  rows: sequences.Sequences
  q: np.ndarray

  @property
  def num_steps(self):
    return len(self.q) - 1


def random_episode(rng, num_steps, num_stacked=1):
  """Noise of every kind."""
  n = num_steps + 1
  frame = rng.integers(0, 256, (n + num_stacked - 1, SIDE, SIDE, 1), np.uint8)
  frame[: num_stacked - 1] = 0
  noise = rng.normal(size=(3, n, 5)).astype(np.float32)
  discount = np.ones(n, np.float32)
  discount[-2] = rng.integers(2)
  rows = sequences.Sequences(
    observation=np.concatenate(
      [frame[c : c + n] for c in range(num_stacked)], axis=-1
    ),
    action=rng.integers(0, 9, n).astype(np.int32),
    reward=noise[0, :, 0],
    discount=discount,
    valid=np.ones(n, bool),
    recurrent_state=policies.RecurrentState(
      rng.integers(0, 9, n).astype(np.int32),
      networks.LSTMState(noise[1], noise[2]),
    ),
    extras={
      "choice": rng.integers(0, 9, (n, 2)).astype(np.int32),
      "in_flight": rng.integers(0, 2, n).astype(bool),
    },
  )
  last = rows._asdict()
  for name in ("observation", "recurrent_state"):
    del last[name]
  for array in jax.tree.leaves(last):
    array[-1] = 0
  rows.action[-1] = networks.NO_ACTION
  return Episode(rows, rng.normal(size=(n, NUM_ENTRIES)).astype(np.float32))


class Expected(NamedTuple):
  """A sequence, and the action values of its rows, 0 where it has none."""

  sequence: sequences.Sequences
  q: np.ndarray


def expected(episode, found):
  """What replay should hold of a cut."""

  def rows(array, padding=0):
    out = np.full((len(found.rows), *array.shape[1:]), padding, array.dtype)
    for i, row in enumerate(found.rows):
      if row is not None:
        out[i] = array[row]
    return out

  fields = episode.rows._asdict()
  state = fields.pop("recurrent_state")
  sequence = sequences.Sequences(
    recurrent_state=jax.tree.map(lambda x: x[found.state], state),
    **jax.tree.map(rows, fields),
  )
  action = rows(episode.rows.action, networks.NO_ACTION)
  return Expected(sequence._replace(action=action), rows(episode.q))


class Step(NamedTuple):
  """One transition of every environment.

  Attributes:
    told: arguments of `Writer.add`.
    inserts: what it should insert, in this order.
  """

  told: dict[str, Any]
  inserts: list[Expected]


def play(
  cut, num_environments, num_steps, seed, num_stacked=1, lengths=(1, 40)
):
  """Steps of environments that play one random episode after the other."""
  rng = np.random.default_rng(seed)
  recorders = [
    frames.FrameRecorder(cut, num_stacked) for _ in range(num_environments)
  ]
  episodes, cuts, times = ([None] * num_environments for _ in range(3))

  def begin(i):
    length = int(rng.integers(lengths[0], lengths[1] + 1))
    episodes[i], times[i] = random_episode(rng, length, num_stacked), 0
    cuts[i] = cut_by_the_loop(cut, length)
    recorders[i].begin(episodes[i].rows.observation[0])

  def step():
    told, last, blocks, inserts = [], [], {}, [[], []]
    for i, (episode, t) in enumerate(zip(episodes, times, strict=True)):
      told.append(jax.tree.map(lambda x, t=t: x[t], episode))
      last.append(t + 1 == episode.num_steps)
      reached = episode.rows.observation[t + 1]
      if block := recorders[i].add(reached, last[i]):
        blocks[i] = block
      for found in cuts[i]:
        if found.step == t:
          inserts[found.at_end].append(expected(episode, found))
    rows, q = jax.tree.map(lambda *x: np.stack(x), *told)
    arguments = dict(
      action=rows.action,
      reward=rows.reward,
      discount=rows.discount,
      extras=rows.extras,
      q=q,
      recurrent_state=lambda: rows.recurrent_state,
      blocks=blocks,
      last=np.array(last),
      last_q=np.stack([episode.q[-1] for episode in episodes]),
    )
    for i, ended in enumerate(last):
      times[i] += 1
      if ended:
        begin(i)
    return Step(arguments, [*inserts[0], *inserts[1]])

  for i in range(num_environments):
    begin(i)
  return [step() for _ in range(num_steps)]


def make_replay(cut, num_stacked=1, **overrides):
  """An empty one."""
  settings = dict(
    max_size=1000, priority_exponent=1.0, seed=0, max_bytes=float("inf")
  )
  return store.Replay(
    spec(cut.length, num_stacked),
    cut,
    num_stacked=num_stacked,
    **{**settings, **overrides},
  )
