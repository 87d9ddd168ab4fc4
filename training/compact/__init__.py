"""The compact model: a small network that reads entities and relations, trained with MindSpore."""

import os

# MindSpore's messages need the Python runtime of protobuf; whoever imports protobuf first settles it for the process.
os.environ.setdefault("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")
