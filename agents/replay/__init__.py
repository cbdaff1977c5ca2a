"""From steps to sequences, and the replay that needs no server.

cutter.py   which rows of an episode make a sequence; both replays ask it
window.py   an environment's newest steps, for the priority of a new sequence
frames.py   compresses an environment's frames in blocks
blocks.py   blocks of frames and of what else there is in their rows
writer.py   from steps to blocks and sequences in the embedded replay
store.py    the embedded replay: what it holds, and sampling
saving.py   writes it to disk and reads it back
"""
