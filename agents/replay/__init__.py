"""From steps to sequences, and the replay that needs no server.

cutter.py   which rows of an episode make a sequence; both replays ask it
window.py   an environment's newest steps, for the priority of a new sequence
frames.py   compresses an environment's frames in blocks
store.py    the embedded replay: blocks, sequences, sampling
saving.py   writes it to disk and reads it back
"""
