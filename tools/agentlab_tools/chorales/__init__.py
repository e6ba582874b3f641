"""Bach's chorales in four parts, read from where music21 is installed.

The music is in the public domain. The encodings are Margaret Greentree's, used by permission in
music21's corpus, which may not be put under another licence: no note of them is kept here.
"""

from __future__ import annotations

from agentlab_tools.chorales.corpus import chorales
from agentlab_tools.chorales.values import VOICES, Chorale, Note, Voice, note_name, struck

__all__ = ["VOICES", "Chorale", "Note", "Voice", "chorales", "note_name", "struck"]
