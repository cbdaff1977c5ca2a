"""Episodes of noise played into the embedded replay, and what it should hold.

`stored_by_the_loop` is what the Reverb adder did before there was a cutter: it
appended row after row, padding included, and looked back.
"""

from typing import NamedTuple

import jax
import numpy as np

from behavior_transfer.agents import networks, policies, sequences
from behavior_transfer.agents.replay import cutter, frames, store, writer

NUM_ENTRIES = 3
SIDE = 4


class Episode(NamedTuple):
  """One environment's: n + 1 observations, and columns of n steps."""

  observation: np.ndarray
  columns: dict[str, np.ndarray]
  extras: dict[str, np.ndarray]
  state: policies.RecurrentState
  q: np.ndarray

  @property
  def num_steps(self):
    return len(self.columns["action"])


def spec(length, num_stacked=1):
  """Of a sequence; with an extra of each kind."""
  row = jax.ShapeDtypeStruct

  def rows(dtype, *shape):
    return row((length, *shape), dtype)

  return sequences.Sequences(
    observation=rows(np.uint8, SIDE, SIDE, num_stacked),
    action=rows(np.int32),
    reward=rows(np.float32),
    discount=rows(np.float32),
    valid=rows(np.bool_),
    recurrent_state=policies.RecurrentState(
      row((1,), np.int32),
      networks.LSTMState(row((1, 5), np.float32), row((1, 5), np.float32)),
    ),
    extras={"choice": rows(np.int32, 2), "in_flight": rows(np.bool_)},
  )


def random_episode(rng, num_steps, terminates, num_stacked=1):
  """Noise of every kind."""
  n = num_steps
  frame = rng.integers(0, 256, (n + num_stacked, SIDE, SIDE, 1), np.uint8)
  frame[: num_stacked - 1] = 0
  observation = np.concatenate(
    [frame[c : c + n + 1] for c in range(num_stacked)], axis=-1
  )
  discount = np.ones(n, np.float32)
  discount[-1] = not terminates
  noise = rng.normal(size=(3, n, 5)).astype(np.float32)
  return Episode(
    observation,
    {
      "action": rng.integers(0, 9, n).astype(np.int32),
      "reward": noise[0, :, 0],
      "discount": discount,
      "valid": np.ones(n, bool),
    },
    {
      "choice": rng.integers(0, 9, (n, 2)).astype(np.int32),
      "in_flight": rng.integers(0, 2, n).astype(bool),
    },
    policies.RecurrentState(
      rng.integers(0, 9, n).astype(np.int32),
      networks.LSTMState(noise[1], noise[2]),
    ),
    rng.normal(size=(n + 1, NUM_ENTRIES)).astype(np.float32),
  )


def stored_by_the_loop(episode, cut, num_last=0):
  """The sequences of an episode, one after the other.

  Args:
    episode: may be cut short.
    cut: the lengths.
    num_last: steps of an episode that does not end; 0 for all, with the end.

  Returns:
    For each, the step after which it was inserted, whether that was the last
    one's doing, and its `Sequences`.
  """
  period, length = cut.sequence_period, cut.length
  zero = jax.tree.map(
    lambda x: np.zeros_like(x[0]),
    (episode.observation, episode.columns, episode.extras),
  )
  zero[1]["action"] = np.int32(networks.NO_ACTION)
  written, states, found = [], {}, []

  def append(row, state, *when):
    if len(written) % period == 0 and state is not None:
      states[len(written)] = state
    written.append(row)
    start = len(written) - length
    if start >= 0 and start % period == 0:
      found.append((*when, sequence(start)))

  def sequence(start):
    observation, columns, extras = jax.tree.map(
      lambda *x: np.stack(x), *written[start : start + length]
    )
    return sequences.Sequences(
      observation=observation,
      extras=extras,
      recurrent_state=states[start],
      **columns,
    )

  def last_learned():
    start = len(written) - length
    return start // period * period + length - 2 if start >= 0 else -1

  num_steps = num_last or episode.num_steps
  for t in range(num_steps):
    state = jax.tree.map(lambda x, t=t: x[t], episode.state)
    if t == 0:
      for _ in range(cut.burn_in):
        append(zero, state, t, False)
    row = (episode.observation, episode.columns, episode.extras)
    append(jax.tree.map(lambda x, t=t: x[t], row), state, t, False)
  if not num_last:
    append(
      (episode.observation[num_steps], *zero[1:]), None, num_steps - 1, True
    )
    num_written = len(written)
    while last_learned() < num_written - 2:
      append(zero, None, num_steps - 1, True)
  return found


class Player:
  """Environments that play one random episode after the other.

  Attributes:
    expected: what was to be inserted so far, in this order.
  """

  def __init__(
    self, replay, num_environments, seed, initial_priority, lengths=(1, 40)
  ):
    self.replay = replay
    self.writer = writer.Writer(
      replay, num_environments, NUM_ENTRIES, initial_priority, batch=3
    )
    self.expected = []
    self._lengths = lengths
    self._rng = np.random.default_rng(seed)
    self._recorders = [
      frames.FrameRecorder(replay.cutter, replay.num_stacked)
      for _ in range(num_environments)
    ]
    self._episodes = [self._new_episode(r) for r in self._recorders]
    self._stored = [
      stored_by_the_loop(e, replay.cutter) for e in self._episodes
    ]
    self._times = [0] * num_environments

  def _new_episode(self, recorder):
    episode = random_episode(
      self._rng,
      int(self._rng.integers(*self._lengths)),
      bool(self._rng.integers(2)),
      self.replay.num_stacked,
    )
    recorder.begin(episode.observation[0])
    return episode

  def step(self):
    """One transition of every environment, as the engine would tell it."""
    times = [e for e in zip(self._episodes, self._times, strict=True)]
    columns, extras, state, q = jax.tree.map(
      lambda *x: np.stack(x),
      *(
        jax.tree.map(lambda x, t=t: x[t], (e.columns, e.extras, e.state, e.q))
        for e, t in times
      ),
    )
    del columns["valid"]
    last = np.array([t + 1 == e.num_steps for e, t in times])
    blocks = {}
    for i, (episode, t) in enumerate(times):
      observation = episode.observation[t + 1]
      block = self._recorders[i].add(observation, bool(last[i]))
      if block:
        blocks[i] = block
    self.writer.add(
      **columns,
      extras=extras,
      q=q,
      recurrent_state=lambda: state,
      blocks=blocks,
      last=last,
      last_q=np.stack([e.q[-1] for e in self._episodes]),
    )
    for at_end in (False, True):
      for stored, (_, t) in zip(self._stored, times, strict=True):
        self.expected += [x for *when, x in stored if when == [t, at_end]]
    for i in range(len(times)):
      self._times[i] += 1
      if last[i]:
        self._episodes[i] = self._new_episode(self._recorders[i])
        self._stored[i] = stored_by_the_loop(
          self._episodes[i], self.replay.cutter
        )
        self._times[i] = 0


def make_replay(cut, num_stacked=1, **overrides):
  settings = dict(
    max_size=1000, priority_exponent=1.0, seed=0, max_bytes=float("inf")
  )
  return store.Replay(
    spec(cut.length, num_stacked),
    cut,
    num_stacked=num_stacked,
    **{**settings, **overrides},
  )


def cutters(draw_integers):
  """All kinds of lengths, from a function (low, high) -> integer."""
  trace_length = draw_integers(1, 12)
  return cutter.Cutter(
    draw_integers(0, 9), trace_length, draw_integers(1, trace_length)
  )
