"""The algorithms: R2D2, Never Give Up and Behavior Transfer.

Two layers. The functional core (networks, policies, losses, the SGD step) is
made of pure functions of arrays and imports only jax, flax, optax, chex and
numpy. The Acme shell (builders, actor, learner, replay) stands on top and is
imported only when a builder is asked for.
"""
