"""Sequences enter replay at the priority that the learner would give them."""

import pytest

from tests.agents import noisy_play


@pytest.mark.parametrize("name", noisy_play.AGENTS)
def test_embedded(name):
  agent = noisy_play.make_agent(name)
  noisy_play.check_priorities(agent, noisy_play.play_embedded(agent))
